export * from './errors';
export * from './events/asyncapi';
export * from './events/registry';
export * from './proto';

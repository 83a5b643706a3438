// Injection tokens of what is not a class of this service.
export const CLOCK = Symbol('Clock');

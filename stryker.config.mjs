// `npm run mutation`: changes the pure code in small ways, one at a time, and counts how many changes the tests notice.
// A change that no test notices is behaviour that nobody promised, or code that nobody needs.

export default {
  mutate: ['apps/*/src/domain/**/*.ts', 'libs/kernel/src/**/*.ts', '!**/*.spec.ts', '!libs/kernel/src/index.ts'],
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'jest.mutation.config.js', enableFindRelatedTests: true },
  coverageAnalysis: 'perTest',
  // Left out: what is evaluated when a file is loaded (tables, constants). A fifth of the changes, and more than half of the
  // time, for each needs every spec of its file again.
  ignoreStatic: true,
  thresholds: { high: 95, low: 85, break: 85 },
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: 'coverage/mutation/index.html' },
  jsonReporter: { fileName: 'coverage/mutation/report.json' },
  // A second run tries only what a changed file or spec may decide otherwise; `--force` tries everything.
  incremental: true,
  incrementalFile: 'coverage/mutation/incremental.json',
  tempDirName: 'coverage/mutation/sandbox',
  ignorePatterns: ['/dist', '/docs', '/k8s', '/.gravity', '/coverage'],
  concurrency: 2,
  timeoutMS: 5_000,
};

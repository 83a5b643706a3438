// The specs that `npm run mutation` runs: those of the mutated folders, without engines, and with one seed, so that two
// runs give one score.
const { globalSetup: _engines, globalTeardown: _stop, ...ladder } = require('./jest.config.js');

/** @type {import('jest').Config} */
module.exports = {
  ...ladder,
  testMatch: ['<rootDir>/apps/*/src/domain/**/*.spec.ts', '<rootDir>/libs/kernel/src/**/*.spec.ts'],
  setupFiles: [...ladder.setupFiles, '<rootDir>/test/mutation/one-seed.ts'],
};

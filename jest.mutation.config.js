// How `npm run mutation` runs specs: those of the mutated folders, without engines, and with one seed, so that two runs give
// the same score.
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { projects } = require('./jest.config.js');
const [{ transform, transformIgnorePatterns, moduleNameMapper, testEnvironment }] = projects;

const domains = readdirSync(join(__dirname, 'apps')).map((service) => `apps/${service}/src/domain`);
const folders = ['libs/kernel/src', 'apps/catalog/src', ...domains.filter((folder) => existsSync(join(__dirname, folder)))];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment,
  transform,
  transformIgnorePatterns,
  moduleNameMapper,
  // Jest looks through its roots again for each mutant.
  roots: folders.map((folder) => `<rootDir>/${folder}`),
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: ['\\.(int|api)\\.spec\\.ts$'],
  watchman: false,
  dependencyExtractor: '<rootDir>/test/mutation/own-dependencies.cjs',
  setupFiles: ['<rootDir>/test/mutation/one-seed.ts'],
};

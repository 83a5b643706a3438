// What a tool can judge about style is judged here; the rest is in docs/style.md.
import tseslint from 'typescript-eslint';

const clocksAndChance = [
  { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'Take a Clock (libs/kernel).' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock (libs/kernel).' },
  { selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']", message: 'Chance comes from libs/kernel.' },
  { selector: "CallExpression[callee.name='randomUUID']", message: 'Use newUuid or newId (libs/kernel).' },
  { selector: "CallExpression[callee.property.name='randomUUID']", message: 'Use newUuid or newId (libs/kernel).' },
];
const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' };

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', '.gravity/', 'libs/contracts/src/generated/', '**/*.js', '**/*.mjs', '**/*.cjs'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false, arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': ['error', noDefaultExport, ...clocksAndChance],
      eqeqeq: 'error',
    },
  },
  {
    files: ['libs/kernel/src/**/*.ts', 'tools/**/*.ts', 'test/**/*.ts', 'libs/testing/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', noDefaultExport] },
  },
  {
    files: ['**/*.spec.ts', '**/test/**/*.ts', 'test/**/*.ts', 'libs/testing/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      // Reports print whatever was found.
      '@typescript-eslint/restrict-template-expressions': 'off',
      'no-restricted-syntax': ['error', noDefaultExport],
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // Jest asks for default exports in exactly these two files.
    files: ['libs/testing/src/global-setup.ts', 'libs/testing/src/global-teardown.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);

// Mutation tests run the specs that import the mutated file by relative paths. Specs of a service also import the whole kernel
// through its index, but do not test it, so imports of @gravity packages are ignored.
module.exports = {
  extract: (code, filePath, extractAll) =>
    new Set([...extractAll(code, filePath)].filter((name) => !name.startsWith('@gravity/'))),
  getCacheKey: () => 'own-dependencies-1',
};

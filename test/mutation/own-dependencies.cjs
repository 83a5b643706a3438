// Which specs speak for a mutated file: those that reach it by paths of their own folder. A spec of a service also reaches the
// whole kernel through its index; it would be run for every change of the kernel, slowly, and promises nothing about it.
module.exports = {
  extract: (code, filePath, extractAll) =>
    new Set([...extractAll(code, filePath)].filter((name) => !name.startsWith('@gravity/'))),
  getCacheKey: () => 'own-dependencies-1',
};

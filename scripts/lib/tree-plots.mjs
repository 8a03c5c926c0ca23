/** The plots of the bench `state-tree`, by file name. */
import { linePlot } from './plot.mjs';

const X_LABEL = 'leaves (logarithmic)';

/** A line through the trees: the value that `of` takes from each tree that has it. */
const over = (name, trees, of) => ({
  name,
  points: trees.flatMap((tree) => {
    const y = of(tree);
    return y === undefined ? [] : [[tree.leaves, y]];
  }),
});

export function treePlots({ memory, store }) {
  const passes = [...new Set(memory.trees.flatMap((tree) => tree.results.map((result) => result.keysPerPass)))];
  const inserts = (tree, keys) => tree.results.find((result) => result.write === 'insert' && result.keysPerPass === keys);
  const inMemory = passes.map((keys) => over(`pass of ${keys}`, memory.trees, (tree) => inserts(tree, keys)?.median));
  const onDisk = [
    over('cold, update', store.trees, (tree) => tree.cold.update.median),
    over('warm, update', store.trees, (tree) => tree.warm.update.median),
    over('warm, insert', store.trees, (tree) => tree.warm.insert.median),
    over('warm, hashing alone', store.trees, (tree) => tree.warm.insert.treeAlone.median),
  ];
  const bytes = [
    ...passes.map((keys) => over(`pages, pass of ${keys}`, memory.trees, (tree) => inserts(tree, keys)?.pageBytesPerKey)),
    over(`write batch, pass of ${store.keysPerPass}`, store.trees, (tree) => tree.warm.insert.batchBytesPerKey),
  ];
  const plot = (title, yLabel, series) => linePlot({ title, xLabel: X_LABEL, yLabel, series });
  return {
    'state-tree-memory.svg': plot('Random inserts in memory, one core', 'µs per key', inMemory),
    'state-tree-store.svg': plot(`On disk, synced passes of ${store.keysPerPass}`, 'µs per key', onDisk),
    'state-tree-warm.svg': plot(`On disk with a warm cache, synced passes of ${store.keysPerPass}`, 'µs per key', onDisk.slice(1)),
    'state-tree-bytes.svg': plot('Bytes written per inserted key', 'bytes', bytes),
  };
}

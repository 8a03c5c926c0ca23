/** The public vectors through the runner, as `npm run conformance` does it; and the runner's own manners. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { conformance } from '../helpers/conformance.js';
import { HAVE_VECTORS, temporaryFolder, VECTORS } from '../helpers/paths.js';

const withVectors = HAVE_VECTORS ? test : test.skip;

withVectors('performance: four full batches, state root and accInputHash exact', async (t) => {
  const { code, output, summary } = await conformance(t, [join(VECTORS, 'performance')]);
  t.is(code, 0, output);
  t.is(summary?.total, 4);
  t.is(summary?.stateRoot, 4);
  t.is(summary?.accInputHash, 4);
});

withVectors('genesis: both roots exact', async (t) => {
  const { code, output, summary } = await conformance(t, [join(VECTORS, 'genesis')]);
  t.is(code, 0, output);
  t.deepEqual(summary?.genesisRoots, { total: 2, matched: 2 });
});

withVectors('fork 9 and fork 13: every field of every vector, but for what is unreproducible', async (t) => {
  const { code, output, summary } = await conformance(t, [join(VECTORS, 'fork9'), join(VECTORS, 'fork13')]);
  t.log(output.trim().split('\n').at(-1));
  t.is(code, 0, output);
  t.is(summary?.total, 5488 + 22);
  t.deepEqual(summary?.failures, []);
});

withVectors('every format is read, and a changed expectation is a named mismatch', async (t) => {
  const good = await readFile(join(VECTORS, 'performance/nft_mints-133.json'), 'utf8');
  const wrongRoot = `0x${'ab'.repeat(32)}`;
  const bad = JSON.stringify({ ...JSON.parse(good), name: 'changed', newStateRoot: wrongRoot });
  const line = JSON.stringify(JSON.parse(good));
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'a/b'), { recursive: true });
  await writeFile(join(folder, 'a/one.json'), good);
  await writeFile(join(folder, 'a/b/lines.jsonl'), `${line}\n\n${line}\n`);
  await writeFile(join(folder, 'a/b/packed.jsonl.gz'), gzipSync(`${line}\n`));
  await writeFile(join(folder, 'array.json'), `[${line},${line}]`);
  await writeFile(join(folder, 'other.json'), '{"nothing":"of this kind"}');
  const all = await conformance(t, [folder]);
  t.is(all.code, 0, all.output);
  t.is(all.summary?.total, 6);
  t.regex(all.output, /1 entries are not executor vectors/);

  await writeFile(join(folder, 'bad.json'), bad);
  const failed = await conformance(t, [folder]);
  t.is(failed.code, 1);
  t.is(failed.summary?.stateRoot, 6);
  const [failure] = failed.summary?.failures ?? [];
  t.is(failed.summary?.failures.length, 1);
  t.is(failure?.name, 'changed');
  t.is(failure?.field, 'stateRoot');
  t.is(failure?.expected, wrongRoot);
  t.regex(failed.output, /changed: stateRoot\n +expected 0xabab/);
});

test('what cannot be read is a failure or a usage error, never a pass', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'lines.jsonl'), '{"name":"broken","batchL2Data":\n');
  const broken = await conformance(t, [folder]);
  t.is(broken.code, 1);
  t.is(broken.summary?.failures[0]?.field, 'error');
  const torn = await temporaryFolder(t);
  await writeFile(join(torn, 'half.json'), '[{"batchL2Data":');
  await writeFile(join(torn, 'not.jsonl.gz'), 'this is no gzip');
  const unreadable = await conformance(t, [torn]);
  t.is(unreadable.code, 1);
  t.deepEqual(unreadable.summary?.failures.map(({ name }) => name).sort(), ['half.json', 'not.jsonl.gz']);
  const empty = await conformance(t, [await temporaryFolder(t)]);
  t.is(empty.code, 1, 'nothing found is no success');
  t.is((await conformance(t, [join(folder, 'none')])).code, 2);
  t.is((await conformance(t, [])).code, 2);
  t.is((await conformance(t, ['--no-such-option', folder])).code, 2);
});

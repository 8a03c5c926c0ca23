import test from 'ava';
import { noteVersion, versionHistory } from '../../../src/rpc/version-history.js';

/** Texts by name, as the database keeps them. */
function settings() {
  const texts = new Map<string, string>();
  let writes = 0;
  return {
    setting: (name: string) => texts.get(name) ?? null,
    putSetting: async (name: string, text: string | null) => {
      writes++;
      texts.set(name, text ?? '');
    },
    writes: () => writes,
  };
}

test('a version is noted when it is not the one that ran last; going back is news too', async (t) => {
  const engine = settings();
  t.deepEqual(versionHistory(engine), {});
  await noteVersion(engine, '1.0.0', 0);
  await noteVersion(engine, '1.0.0', 1_000);
  t.is(engine.writes(), 1);
  await noteVersion(engine, '1.1.0', 2_000);
  await noteVersion(engine, '1.0.0', 3_000);
  t.deepEqual(Object.entries(versionHistory(engine)), [
    ['1970-01-01T00:00:00.000Z', '1.0.0'],
    ['1970-01-01T00:00:02.000Z', '1.1.0'],
    ['1970-01-01T00:00:03.000Z', '1.0.0'],
  ]);
});

test('of very many changes the newest are kept', async (t) => {
  const engine = settings();
  for (let i = 0; i < 300; i++) await noteVersion(engine, `1.${i}.0`, i);
  const versions = Object.values(versionHistory(engine));
  t.is(versions.length, 256);
  t.is(versions.at(-1), '1.299.0');
});

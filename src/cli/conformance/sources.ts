/**
 * Where vectors come from: files and folders, as `.jsonl.gz`, `.jsonl`, or `.json` with one vector or an array of them. A text is handed on
 * as it was read; only arrays are taken apart.
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

/** One executor vector, or a genesis file. */
export interface Vector {
  readonly kind: 'batch' | 'genesis';
  /** Its own `name`, or the file's with its `id` or place in it. */
  readonly name: string;
  /** The row of the table it belongs to. */
  readonly group: string;
  readonly json: string;
}

const FORMATS = /\.(jsonl\.gz|jsonl|json)$/;

/** All vector files at or below `paths`, sorted. Throws the file system's error for a path that is not there. */
export async function findFiles(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await stat(path)).isDirectory()) {
      const entries = await readdir(path, { withFileTypes: true, recursive: true });
      const files = entries.filter((entry) => entry.isFile() && FORMATS.test(entry.name));
      found.push(...files.map((entry) => join(entry.parentPath, entry.name)).sort());
    } else {
      found.push(path);
    }
  }
  return [...new Set(found)];
}

/** The vectors of one file, in order. Anything that is not an executor vector is counted through `onOther`. */
export async function* readVectors(file: string, base: string, onOther: () => void): AsyncGenerator<Vector> {
  const label = relative(base, file) || basename(file);
  if (!file.endsWith('.json')) {
    yield* readLines(file, label.replace(FORMATS, ''), onOther);
    return;
  }
  const text = await readFile(file, 'utf8');
  const group = dirname(label);
  const parsed: unknown = JSON.parse(text);
  const items = Array.isArray(parsed) ? parsed.entries() : [[null, parsed] as const];
  for (const [index, item] of items) {
    if (index === null && isGenesis(item)) yield { kind: 'genesis', name: basename(file), group, json: text };
    else if (!isVector(item)) onOther();
    else yield named(item, basename(file), index, group);
  }
}

/** The addon knows the exceptions by name, and where a vector has none, only the file can name it: `FILE` or, in an array, `FILE#id`. */
function named(item: Record<string, unknown>, file: string, index: number | null, group: string): Vector {
  if (typeof item['name'] === 'string') return { kind: 'batch', name: item['name'], group, json: JSON.stringify(item) };
  if (index === null) return { kind: 'batch', name: file, group, json: JSON.stringify({ ...item, name: file }) };
  const id = typeof item['id'] === 'number' ? item['id'] : index;
  return { kind: 'batch', name: `${file}#${id}`, group, json: JSON.stringify({ ...item, name: file, id }) };
}

async function* readLines(file: string, group: string, onOther: () => void): AsyncGenerator<Vector> {
  const bytes = createReadStream(file);
  const unpacked = file.endsWith('.gz') ? createGunzip() : undefined;
  // pipe() does not hand errors on: a broken file has to end the reader too.
  if (unpacked) bytes.once('error', (error) => unpacked.destroy(error)).pipe(unpacked);
  const lines = createInterface({ input: unpacked ?? bytes, crlfDelay: Number.POSITIVE_INFINITY });
  let index = 0;
  for await (const json of lines) {
    if (json.trim() === '') continue;
    index += 1;
    // The line is parsed natively; here only its name is wanted, which is at its beginning.
    const name = /"name"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(json.slice(0, 1024))?.[1];
    if (json.includes('"batchL2Data"')) yield { kind: 'batch', name: name ?? `${group}/${index}`, group, json };
    else onOther();
  }
}

function isVector(item: unknown): item is Record<string, unknown> {
  return typeof item === 'object' && item !== null && 'batchL2Data' in item;
}

/** The public genesis format: a root, and the accounts that it is the root of. */
function isGenesis(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'root' in item && 'genesis' in item && !('batchL2Data' in item);
}

/** Hash, keys, code hashes and roots against the public vectors of the state tree. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { h4FromInteger, h4ToHex, h4ToInteger } from '../../../src/proof/h4.js';
import { hashCode, type LeafKind, stateKey } from '../../../src/proof/keys.js';
import { type H4, PRIME, poseidon } from '../../../src/proof/poseidon.js';
import { HAVE_VECTORS, VECTORS } from '../../helpers/paths.js';
import { TestTree } from '../../helpers/tree.js';

const withVectors = HAVE_VECTORS ? test : test.skip;

function load<T>(name: string): readonly T[] {
  return JSON.parse(readFileSync(join(VECTORS, 'state-tree', `${name}.json`), 'utf8')) as T[];
}

/** "-1" means the prime minus one. */
function element(text: string): bigint {
  const value = BigInt(text);
  return value < 0n ? value + PRIME : value;
}

test('the anchors of the permutation', (t) => {
  const hash = (input: bigint[], capacity: H4) => h4ToHex(poseidon(input, capacity));
  t.is(hash(Array(8).fill(0n), [0n, 0n, 0n, 0n]), '0xc71603f33a1144ca7953db0ab48808f4c4055e3364a246c33c18a9786cb0b359');
  t.is(hash([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n], [8n, 9n, 10n, 11n]), '0x613a4f81e81231d2d40285597c6a882553666633020aaa47d64e1e3efc5b8e9e');
  const top = PRIME - 1n;
  t.is(hash(Array(8).fill(top), [top, top, top, top]), '0x95803a74f4530e82cf55a13d33c1c953d95af71847d05c09be0085cfc57a8357');
  t.is(hash(Array(8).fill(PRIME), [0n, PRIME, 0n, 0n]), hash(Array(8).fill(0n), [0n, 0n, 0n, 0n]), 'the prime acts as 0');
  t.throws(() => poseidon([1n]), { message: /8 elements/ });
});

withVectors('hashes', (t) => {
  const vectors = load<{ input: string[]; capacity: string[]; expectedOutput: string[] }>('poseidon-raw-hash');
  for (const { input, capacity, expectedOutput } of vectors) {
    const hash = poseidon(input.map(element), capacity.map(element) as unknown as H4);
    t.deepEqual(hash.map(String), expectedOutput);
  }
});

withVectors('keys', (t) => {
  const files: [string, LeafKind][] = [
    ['smt-key-eth-balance', 'balance'],
    ['smt-key-eth-nonce', 'nonce'],
    ['smt-key-contract-code', 'codeHash'],
    ['smt-key-contract-storage', 'storage'],
    ['smt-key-contract-length', 'codeLength'],
  ];
  let checked = 0;
  for (const [file, kind] of files) {
    for (const { ethAddr, storagePosition, expectedKey } of load<{ ethAddr: string; storagePosition?: string; expectedKey: string }>(
      file,
    )) {
      t.is(h4ToInteger(stateKey(kind, ethAddr, BigInt(storagePosition ?? 0))).toString(), BigInt(expectedKey).toString(), file);
      checked++;
    }
  }
  t.is(checked, 28);
});

withVectors('code hashes', (t) => {
  for (const { bytecode, expectedHash } of load<{ bytecode: string; expectedHash: string }>('smt-hash-bytecode')) {
    const digits = bytecode.replace(/^0x/, '');
    const code = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
    t.is(h4ToHex(hashCode(code)), expectedHash);
  }
});

withVectors('roots of trees', (t) => {
  for (const { keys, values, expectedRoot } of load<{ keys: string[]; values: string[]; expectedRoot: string }>('smt-raw')) {
    const leaves = new Map<string, bigint>();
    for (const [i, key] of keys.entries()) leaves.set(key, BigInt(values[i] ?? 0));
    const present = [...leaves].filter(([, value]) => value !== 0n);
    const tree = new TestTree(present.map(([key, value]) => ({ key: h4FromInteger(BigInt(key)) as H4, value })));
    t.is(tree.root, expectedRoot);
  }
});

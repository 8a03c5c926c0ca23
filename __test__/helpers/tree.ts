/** A state tree of the simplest kind, for tests: built top-down from all its leaves, hashed with the TypeScript Poseidon. */

import { h4Equal, h4IsZero, h4ToHex } from '../../src/proof/h4.js';
import { valueHash } from '../../src/proof/keys.js';
import { CAPACITY_LEAF, type H4, poseidon, ZERO } from '../../src/proof/poseidon.js';

export interface TestLeaf {
  readonly key: H4;
  readonly value: bigint;
}

interface TestNode {
  readonly hash: H4;
  readonly element: string;
  readonly leaf: TestLeaf | null;
  readonly children: readonly [TestNode, TestNode] | null;
}

const EMPTY: TestNode = { hash: ZERO, element: '', leaf: null, children: null };

export class TestTree {
  readonly #top: TestNode;

  constructor(leaves: readonly TestLeaf[]) {
    this.#top = build(leaves, 0);
  }

  get root(): string {
    return h4ToHex(this.#top.hash);
  }

  /** The proof of a key, as the node answers it. */
  prove(key: H4): string[] {
    const proof: string[] = [];
    let node = this.#top;
    for (let depth = 0; ; depth++) {
      if (h4IsZero(node.hash)) return proof;
      proof.push(node.element);
      if (node.children === null) break;
      node = node.children[bit(key, depth)];
    }
    if (node.leaf !== null && h4Equal(node.leaf.key, key)) proof.push(shortest(node.leaf.value));
    return proof;
  }
}

function build(leaves: readonly TestLeaf[], depth: number): TestNode {
  const [first, ...more] = leaves;
  if (first === undefined) return EMPTY;
  if (more.length === 0) {
    const remaining = first.key.map((element, i) => element >> BigInt(Math.floor((depth + 3 - i) / 4))) as unknown as H4;
    const value = valueHash(first.value);
    const hash = poseidon([...remaining, ...value], CAPACITY_LEAF);
    return { hash, element: `${h4ToHex(remaining)}${h4ToHex(value).slice(2)}01`, leaf: first, children: null };
  }
  const side = (which: 0 | 1) =>
    build(
      leaves.filter(({ key }) => bit(key, depth) === which),
      depth + 1,
    );
  const children = [side(0), side(1)] as const;
  const hash = poseidon([...children[0].hash, ...children[1].hash]);
  return { hash, element: `${h4ToHex(children[0].hash)}${h4ToHex(children[1].hash).slice(2)}`, leaf: null, children };
}

function bit(key: H4, level: number): 0 | 1 {
  return ((key[level % 4] ?? 0n) >> BigInt(Math.floor(level / 4))) & 1n ? 1 : 0;
}

function shortest(value: bigint): string {
  const digits = value.toString(16);
  return `0x${digits.length % 2 === 0 ? '' : '0'}${digits}`;
}

/** What proofs prove, and that nothing in them can be changed. */
import test from 'ava';
import { h4FromInteger } from '../../../src/proof/h4.js';
import { stateKey } from '../../../src/proof/keys.js';
import { type H4, poseidon } from '../../../src/proof/poseidon.js';
import { type AccountProof, type ProofRequest, verifyAccountProof, verifyProof } from '../../../src/proof/verify.js';
import { TestTree } from '../../helpers/tree.js';

const INVALID = { code: 'PROOF_INVALID' };

/** Some keys share long prefixes, so that paths with empty siblings occur. */
function key(seed: number): H4 {
  if (seed % 5 === 0) return [BigInt(seed), 3n, 0n, BigInt(seed) << 40n];
  return poseidon([BigInt(seed), 0n, 0n, 0n, 0n, 0n, 0n, 0n], [9n, 0n, 0n, 0n]);
}

function value(seed: number): bigint {
  return BigInt(seed + 1) << BigInt(seed % 240);
}

function tree(count: number): TestTree {
  return new TestTree(Array.from({ length: count }, (_, seed) => ({ key: key(seed), value: value(seed) })));
}

test('presence and absence', (t) => {
  for (const count of [0, 1, 2, 3, 20]) {
    const some = tree(count);
    for (let seed = 0; seed < count + 12; seed++) {
      t.is(verifyProof(some.root, key(seed), some.prove(key(seed))), seed < count ? value(seed) : 0n, `${seed} of ${count}`);
    }
  }
});

test('every digit of every element counts, and so does their number and order', (t) => {
  const some = tree(8);
  // Present, absent with another leaf at the end, absent with an empty end.
  for (const seed of [1, 8, 9]) {
    const proof = some.prove(key(seed));
    const refused = (altered: readonly string[], what: string) =>
      t.throws(() => verifyProof(some.root, key(seed), altered), INVALID, `${what} for ${seed}`);
    for (const [index, element] of proof.entries()) {
      const replaced = (text: string) => proof.map((other, i) => (i === index ? text : other));
      for (let at = 2; at < element.length; at++) {
        const digit = (Number.parseInt(element.charAt(at), 16) ^ (1 << (at % 4))).toString(16);
        refused(replaced(element.slice(0, at) + digit + element.slice(at + 1)), `digit ${at} of element ${index}`);
      }
      refused(replaced(`${element}00`), `longer element ${index}`);
      refused(replaced(`0x00${element.slice(2)}`), `padded element ${index}`);
      refused(replaced(element.slice(0, -2)), `shorter element ${index}`);
      refused(proof.toSpliced(index, 1), `without element ${index}`);
      refused(proof.toSpliced(index, 0, element), `element ${index} twice`);
    }
    refused([...proof, '0x01'], 'one more');
    if (proof.length > 1) refused(proof.toReversed(), 'reversed');
    t.throws(() => verifyProof(tree(21).root, key(seed), proof), INVALID, 'another root');
    t.throws(() => verifyProof('0x12', key(seed), proof), INVALID, 'no root');
  }
  t.throws(() => verifyProof(some.root, key(1), []), INVALID);
});

test('a proof for one key claims nothing wrong of another', (t) => {
  const some = tree(20);
  for (const [seed, other] of [
    [1, 2],
    [3, 40],
    [5, 10],
  ] as const) {
    const claim = () => verifyProof(some.root, key(other), some.prove(key(seed)));
    try {
      t.is(claim(), other < 20 ? value(other) : 0n);
    } catch (error) {
      t.is((error as { code: string }).code, 'PROOF_INVALID');
    }
  }
});

const ADDRESS = `0x${'a7'.repeat(20)}`;
const ACCOUNT = {
  balance: 5n * 10n ** 18n,
  nonce: 3n,
  codeHash: BigInt(`0x${'12'.repeat(32)}`),
  codeLength: 77n,
};

/** An account with one slot set and one not, and the answer of an honest node. */
function accountAnswer(): { request: ProofRequest; answer: AccountProof } {
  const kinds = ['balance', 'nonce', 'codeHash', 'codeLength'] as const;
  const leaves = kinds.map((kind) => ({ key: stateKey(kind, ADDRESS), value: ACCOUNT[kind] }));
  const slots = [4n, 1n << 255n];
  const some = new TestTree([
    ...leaves,
    { key: stateKey('storage', ADDRESS, 4n), value: 99n },
    ...[1, 2, 3].map((seed) => ({ key: key(seed), value: 1n })),
  ]);
  const hex = (number: bigint) => `0x${number.toString(16)}`;
  const [balanceProof, nonceProof, codeHashProof, codeLengthProof] = kinds.map((kind) => some.prove(stateKey(kind, ADDRESS)));
  const answer = {
    address: ADDRESS,
    balance: hex(ACCOUNT.balance),
    nonce: hex(ACCOUNT.nonce),
    codeHash: hex(ACCOUNT.codeHash),
    codeLength: hex(ACCOUNT.codeLength),
    balanceProof: balanceProof ?? [],
    nonceProof: nonceProof ?? [],
    codeHashProof: codeHashProof ?? [],
    codeLengthProof: codeLengthProof ?? [],
    storageProof: slots.map((slot, i) => ({
      key: `0x${slot.toString(16).padStart(64, '0')}`,
      value: i === 0 ? '0x63' : '0x0',
      proof: some.prove(stateKey('storage', ADDRESS, slot)),
    })),
  };
  return { request: { stateRoot: some.root, address: ADDRESS, slots }, answer };
}

test('a whole answer', (t) => {
  const { request, answer } = accountAnswer();
  const account = verifyAccountProof(request, answer);
  t.deepEqual(
    { ...account, storage: [...account.storage] },
    {
      address: ADDRESS,
      ...ACCOUNT,
      codeHash: `0x${'12'.repeat(32)}`,
      storage: [
        [4n, 99n],
        [1n << 255n, 0n],
      ],
    },
  );
});

test('no member of an answer can be changed', (t) => {
  const { request, answer } = accountAnswer();
  const refused = (changed: Partial<AccountProof>) =>
    t.throws(() => verifyAccountProof(request, { ...answer, ...changed }), INVALID, JSON.stringify(changed).slice(0, 100));
  refused({ address: `0x${'a8'.repeat(20)}` });
  for (const name of ['balance', 'nonce', 'codeHash', 'codeLength'] as const) {
    refused({ [name]: `0x${(BigInt(answer[name]) + 1n).toString(16)}` });
    refused({ [name]: '0x0' });
    refused({ [name]: 'five' });
    refused({ [`${name}Proof`]: [] });
    refused({ [`${name}Proof`]: answer.storageProof[0]?.proof });
  }
  const [first, second] = answer.storageProof;
  if (first === undefined || second === undefined) return t.fail('two slots');
  refused({ storageProof: [first] });
  refused({ storageProof: [second, first] });
  refused({ storageProof: [{ ...first, value: '0x64' }, second] });
  refused({ storageProof: [{ ...first, key: second.key }, second] });
  refused({ storageProof: [first, { ...second, value: '0x1' }] });
  refused({ storageProof: [{ ...first, proof: second.proof }, second] });
  t.throws(() => verifyAccountProof({ ...request, address: '0x12' }, { ...answer, address: '0x12' }), { instanceOf: RangeError });
  t.is(h4FromInteger((1n << 256n) - 1n), null);
});

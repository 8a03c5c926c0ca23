/** Verification of state proofs, for whoever does not want to trust a node: pure TypeScript, also as `zkevm-sequencer/proof`. */

export { h4FromHex, h4FromInteger, h4ToHex, h4ToInteger } from './h4.js';
export { hashCode, type LeafKind, stateKey, valueHash } from './keys.js';
export { type H4, linearHash, poseidon } from './poseidon.js';
export {
  type AccountProof,
  type ProofRequest,
  type SlotProof,
  type VerifiedAccount,
  verifyAccountProof,
  verifyProof,
} from './verify.js';

/**
 * What no executor can reproduce from a vector, by name and field, with the reason. A listed field that does match counts as matched;
 * nothing else is ever forgiven.
 */
import type { Field } from './report.js';

interface Exception {
  readonly names: RegExp;
  readonly fields: readonly Field[];
  readonly reason: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    names: /(^|\/)calldata\/(ooc_[012]|test-length-data_1)(\.json)?$/,
    fields: ['stateRoot'],
    reason: 'the prover ran out of counters: the old root is recorded, which the model of virtual counters alone does not decide',
  },
  {
    names: /(^|\/)rlp-error\//,
    fields: ['counters'],
    reason: 'the recorded counters are placeholders',
  },
  {
    names: /(^|\/)underflowTest_\d+(\.json)?$/,
    fields: ['counters'],
    reason: 'recorded with batch level 17, where the rule gives 16',
  },
  {
    names: /(^|\/)state-transition-processor-forkid13\/4$/,
    fields: ['stateRoot', 'accInputHash', 'localExitRoot', 'newNumBatch', 'counters'],
    reason: 'its batchL2Data is a left-over of another case',
  },
];

/** Why `field` of the vector `name` cannot be reproduced, or undefined where it has to match. */
export function unreproducible(name: string, field: Field): string | undefined {
  return EXCEPTIONS.find(({ names, fields }) => names.test(name) && fields.includes(field))?.reason;
}

/** The reason shown for vectors that record no counters at all. */
export const NOT_RECORDED = 'the vector records none';

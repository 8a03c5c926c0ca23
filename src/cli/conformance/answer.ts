/** The addon's report on one vector. Comparing, and knowing what nobody can reproduce, are done natively. */

export const FIELDS = ['stateRoot', 'accInputHash', 'localExitRoot', 'newNumBatch', 'counters'] as const;
/** The fields of the table. */
export type Field = (typeof FIELDS)[number];

export interface FieldReport {
  /** One of the table's, or another that is checked too (`oldStateRoot`: the state that the vector describes). */
  readonly field: string;
  readonly verdict: 'matched' | 'mismatched' | 'unreproducible';
  readonly expected: string;
  readonly actual: string;
  /** Why it cannot be reproduced. */
  readonly reason?: string;
}

export interface VectorReport {
  readonly name: string;
  /** What the vector records; what it does not record is left out. */
  readonly fields: readonly FieldReport[];
  /** Why it could not be executed at all. */
  readonly error: string | null;
}

/** Reads the addon's answer. Throws when it is not one report: every vector is handed over alone. */
export function parseAnswer(json: string): VectorReport {
  const answer: unknown = JSON.parse(json);
  const [report, ...more] = (Array.isArray(answer) ? answer : [answer]) as VectorReport[];
  if (report === undefined || more.length > 0 || !Array.isArray(report.fields))
    throw new Error(`not the report of one vector: ${json.slice(0, 200)}`);
  return report;
}

/** What the runs add up to: a table row a folder, the mismatches, and the machine-readable summary. */
import { NOT_RECORDED, unreproducible } from './unreproducible.js';

export const FIELDS = ['stateRoot', 'accInputHash', 'localExitRoot', 'newNumBatch', 'counters'] as const;
export type Field = (typeof FIELDS)[number];

/** One field of one vector: what the vector records, and what the executor computed. `expected` is null where the vector records nothing. */
export interface Comparison {
  readonly field: Field;
  readonly expected: string | null;
  readonly actual: string;
}

export interface Failure {
  readonly name: string;
  readonly field: Field | 'error';
  readonly expected: string;
  readonly actual: string;
}

interface Tally {
  total: number;
  /** Vectors whose field matched. */
  readonly matched: Record<Field, number>;
  /** Vectors that record the field at all. */
  readonly recorded: Record<Field, number>;
}

export class Report {
  readonly failures: Failure[] = [];
  private readonly groups = new Map<string, Tally>();
  /** Reason -> names of the vectors and fields excepted for it. */
  private readonly excepted = new Map<string, string[]>();
  private readonly all = emptyTally();

  get total(): number {
    return this.all.total;
  }

  add(group: string, name: string, comparisons: readonly Comparison[]): void {
    const tallies = this.count(group);
    for (const { field, expected, actual } of comparisons) {
      if (expected === null) {
        if (field === 'counters') this.except(NOT_RECORDED, name, field);
        continue;
      }
      for (const tally of tallies) tally.recorded[field] += 1;
      if (expected === actual) {
        for (const tally of tallies) tally.matched[field] += 1;
        continue;
      }
      const reason = unreproducible(name, field);
      if (reason === undefined) this.failures.push({ name, field, expected, actual });
      else this.except(reason, name, field);
    }
  }

  /** A vector that could not be run at all. */
  addError(group: string, name: string, message: string): void {
    this.count(group);
    this.failures.push({ name, field: 'error', expected: 'a result', actual: message });
  }

  summary(): object {
    const unreproducible = [...this.excepted].map(([reason, names]) => ({ reason, names }));
    return { total: this.all.total, ...this.all.matched, recorded: this.all.recorded, failures: this.failures, unreproducible };
  }

  table(): string {
    const header = ['folder', 'vectors', 'state root', 'accInputHash', 'local exit root', 'batch number', 'counters'];
    const rows = [...this.groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, tally]) => row(group, tally));
    if (rows.length > 1) rows.push(row('all', this.all));
    return align([header, ...rows]);
  }

  mismatches(max: number): string {
    const shown = this.failures.slice(0, max).map(({ name, field, expected, actual }) => {
      return `  ${name}: ${field}\n    expected ${expected}\n    actual   ${actual}`;
    });
    const more = this.failures.length - shown.length;
    return `${shown.join('\n')}${more > 0 ? `\n  ... and ${more} more` : ''}`;
  }

  exceptions(): string {
    const lines: string[] = [];
    for (const [reason, names] of this.excepted) lines.push(`  ${reason} (${names.length}):`, ...names.sort().map((name) => `    ${name}`));
    return lines.join('\n');
  }

  private count(group: string): Tally[] {
    let tally = this.groups.get(group);
    if (tally === undefined) {
      tally = emptyTally();
      this.groups.set(group, tally);
    }
    tally.total += 1;
    this.all.total += 1;
    return [tally, this.all];
  }

  private except(reason: string, name: string, field: Field): void {
    const names = this.excepted.get(reason) ?? [];
    names.push(`${name} ${field}`);
    this.excepted.set(reason, names);
  }
}

function emptyTally(): Tally {
  const zeros = () => Object.fromEntries(FIELDS.map((field) => [field, 0])) as Record<Field, number>;
  return { total: 0, matched: zeros(), recorded: zeros() };
}

function row(name: string, { total, matched, recorded }: Tally): string[] {
  return [name, String(total), ...FIELDS.map((field) => (recorded[field] === 0 ? '-' : `${matched[field]} / ${recorded[field]}`))];
}

function align(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) =>
      cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
    )
    .join('\n');
}

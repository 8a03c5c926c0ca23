/** What the runs add up to: a table row a folder, the mismatches, and the machine-readable summary. */
import { FIELDS, type Field, type VectorReport } from './answer.js';

export interface Failure {
  readonly name: string;
  /** The field, `genesisRoot`, or `error` for what could not be run at all. */
  readonly field: string;
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

const NOT_RECORDED = 'the vector records no counters';

export class Report {
  readonly failures: Failure[] = [];
  readonly genesisRoots = { total: 0, matched: 0 };
  private readonly groups = new Map<string, Tally>();
  /** Reason -> names of the vectors and fields excepted for it. */
  private readonly excepted = new Map<string, string[]>();
  private readonly all = emptyTally();

  get total(): number {
    return this.all.total;
  }

  add(group: string, name: string, { fields, error }: VectorReport): void {
    if (error !== null) {
      this.addError(group, name, error);
      return;
    }
    const tallies = this.count(group);
    for (const { field, verdict, expected, actual, reason } of fields) {
      if (isField(field)) {
        for (const tally of tallies) {
          tally.recorded[field] += 1;
          if (verdict === 'matched') tally.matched[field] += 1;
        }
      }
      if (verdict === 'mismatched') this.failures.push({ name, field, expected, actual });
      if (verdict === 'unreproducible') this.except(reason ?? 'no reason given', `${name} ${field}`);
    }
    if (!fields.some(({ field }) => field === 'counters')) this.except(NOT_RECORDED, name);
  }

  /** A vector that could not be run at all. */
  addError(group: string, name: string, message: string): void {
    this.count(group);
    this.failures.push({ name, field: 'error', expected: 'a result', actual: message });
  }

  /** A genesis file, which is checked for its root alone. */
  addGenesis(name: string, stated: string | null, computed: string): void {
    if (stated === null) return;
    this.genesisRoots.total += 1;
    if (stated === computed) this.genesisRoots.matched += 1;
    else this.failures.push({ name, field: 'genesisRoot', expected: stated, actual: computed });
  }

  summary(): object {
    const unreproducible = [...this.excepted].map(([reason, names]) => ({ reason, names }));
    return {
      total: this.all.total,
      ...this.all.matched,
      recorded: this.all.recorded,
      failures: this.failures,
      unreproducible,
      genesisRoots: this.genesisRoots,
    };
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

  private except(reason: string, name: string): void {
    const names = this.excepted.get(reason) ?? [];
    names.push(name);
    this.excepted.set(reason, names);
  }
}

function isField(field: string): field is Field {
  return (FIELDS as readonly string[]).includes(field);
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

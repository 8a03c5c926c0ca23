/**
 * Prometheus metrics: counters, gauges and histograms in one registry, written as exposition text (version 0.0.4) when scraped.
 *
 * Children are resolved once (`counter.with({reason: 'rows'})`) and kept by the caller, so that the hot path is one addition. Values that
 * exist elsewhere are pulled at scrape time (`gauge.collect`). A label set that a caller cannot bound does not belong in a metric: the
 * number of children is limited, and going over it is a programming error.
 */

/** More children than this is unbounded cardinality, which kills the scraper before it helps anyone. */
export const METRIC_CHILDREN_MAX = 1000;

export type Labels = Readonly<Record<string, string>>;

/** Bucket bounds in seconds for requests and stages: 1 ms to 30 s. */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  write(lines: string[]): void;
}

/** All metrics of one node. */
export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>();
  readonly #texts: (() => string)[] = [];

  /** A number that only grows; its name ends in `_total`, or is one that dashboards already know. */
  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#add(new Counter(name, help, labelNames));
  }

  /** A number that goes up and down. */
  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.#add(new Gauge(name, help, labelNames));
  }

  /** A distribution over fixed buckets (upper bounds, ascending). */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[] = DURATION_BUCKETS_SECONDS,
    labelNames: readonly string[] = [],
  ): Histogram {
    return this.#add(new Histogram(name, help, buckets, labelNames));
  }

  /** Adds exposition text from elsewhere (the native side) to each scrape. */
  addText(source: () => string): void {
    this.#texts.push(source);
  }

  /** Everything as exposition text. */
  text(): string {
    const lines: string[] = [];
    for (const metric of this.#metrics.values()) {
      lines.push(`# HELP ${metric.name} ${escapeHelp(metric.help)}`, `# TYPE ${metric.name} ${metric.type}`);
      metric.write(lines);
    }
    let text = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
    for (const source of this.#texts) {
      const more = source();
      text += more.endsWith('\n') || more === '' ? more : `${more}\n`;
    }
    return text;
  }

  #add<M extends Metric>(metric: M): M {
    if (!NAME.test(metric.name)) throw new RangeError(`metric name ${metric.name} is not valid`);
    if (this.#metrics.has(metric.name)) throw new RangeError(`metric ${metric.name} exists already`);
    this.#metrics.set(metric.name, metric);
    return metric;
  }
}

/** Children of a metric by label values. */
class Children<C> {
  readonly #byKey = new Map<string, { suffix: string; child: C }>();
  /** By the value of the only label, where there is just one: found without writing the label out. */
  readonly #byValue = new Map<string, C>();
  readonly #name: string;
  readonly #labelNames: readonly string[];
  readonly #make: () => C;
  /** The only child of a metric without labels; it shows its zero before the first event. */
  readonly #only: C | null = null;

  constructor(name: string, labelNames: readonly string[], make: () => C) {
    this.#name = name;
    this.#labelNames = labelNames;
    this.#make = make;
    if (labelNames.length === 0) this.#only = this.get({});
  }

  get(labels: Labels): C {
    if (this.#only !== null) return this.#only;
    const single = this.#labelNames.length === 1 ? labels[this.#labelNames[0] ?? ''] : undefined;
    const found = single === undefined ? undefined : this.#byValue.get(single);
    if (found !== undefined) return found;
    const child = this.#find(labels);
    if (single !== undefined) this.#byValue.set(single, child);
    return child;
  }

  #find(labels: Labels): C {
    const pairs = this.#labelNames.map((label) => {
      const value = labels[label];
      if (value === undefined) throw new RangeError(`metric ${this.#name} needs label ${label}`);
      return `${label}="${escapeLabel(value)}"`;
    });
    const suffix = pairs.join(',');
    const known = this.#byKey.get(suffix);
    if (known !== undefined) return known.child;
    if (this.#byKey.size >= METRIC_CHILDREN_MAX)
      throw new RangeError(`metric ${this.#name} has more than ${METRIC_CHILDREN_MAX} label sets`);
    const child = this.#make();
    this.#byKey.set(suffix, { suffix, child });
    return child;
  }

  entries(): IterableIterator<{ suffix: string; child: C }> {
    return this.#byKey.values();
  }
}

/** A counter or gauge value for one label set. */
export class Value {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** A growing value for one label set. */
export type CounterValue = Pick<Value, 'inc' | 'value'>;

/** A counter. */
export class Counter implements Metric {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #children: Children<Value>;

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#children = new Children(name, labelNames, () => new Value());
  }

  /** The child of one label set; keep it where it is used often. */
  with(labels: Labels): CounterValue {
    return this.#children.get(labels);
  }

  inc(by = 1, labels: Labels = {}): void {
    this.#children.get(labels).inc(by);
  }

  write(lines: string[]): void {
    writeValues(lines, this.name, this.#children);
  }
}

/** A gauge. */
export class Gauge implements Metric {
  readonly type = 'gauge';
  readonly name: string;
  readonly help: string;
  readonly #children: Children<Value>;
  #collector: ((gauge: Gauge) => void) | undefined;

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#children = new Children(name, labelNames, () => new Value());
  }

  with(labels: Labels): Value {
    return this.#children.get(labels);
  }

  set(value: number, labels: Labels = {}): void {
    this.#children.get(labels).set(value);
  }

  /** Sets the gauge at each scrape; one collector, the last one given. */
  collect(collector: (gauge: Gauge) => void): this {
    this.#collector = collector;
    return this;
  }

  write(lines: string[]): void {
    this.#collector?.(this);
    writeValues(lines, this.name, this.#children);
  }
}

/** A distribution for one label set. */
export class HistogramValue {
  readonly #buckets: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.counts = new Array<number>(buckets.length).fill(0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let i = 0; i < this.#buckets.length; i++) {
      if (value <= (this.#buckets[i] ?? Number.POSITIVE_INFINITY)) {
        this.counts[i] = (this.counts[i] ?? 0) + 1;
        return;
      }
    }
  }
}

/** A histogram. */
export class Histogram implements Metric {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #buckets: readonly number[];
  readonly #children: Children<HistogramValue>;

  constructor(name: string, help: string, buckets: readonly number[], labelNames: readonly string[]) {
    if (buckets.some((bound, i) => i > 0 && bound <= (buckets[i - 1] ?? Number.NEGATIVE_INFINITY))) {
      throw new RangeError(`metric ${name}: buckets must ascend`);
    }
    this.name = name;
    this.help = help;
    this.#buckets = buckets;
    this.#children = new Children(name, labelNames, () => new HistogramValue(buckets));
  }

  with(labels: Labels): HistogramValue {
    return this.#children.get(labels);
  }

  observe(value: number, labels: Labels = {}): void {
    this.#children.get(labels).observe(value);
  }

  write(lines: string[]): void {
    for (const { suffix, child } of this.#children.entries()) {
      const lead = suffix === '' ? '' : `${suffix},`;
      let below = 0;
      for (const [i, bound] of this.#buckets.entries()) {
        below += child.counts[i] ?? 0;
        lines.push(`${this.name}_bucket{${lead}le="${bound}"} ${below}`);
      }
      const braces = suffix === '' ? '' : `{${suffix}}`;
      lines.push(`${this.name}_bucket{${lead}le="+Inf"} ${child.count}`);
      lines.push(`${this.name}_sum${braces} ${child.sum}`, `${this.name}_count${braces} ${child.count}`);
    }
  }
}

function writeValues(lines: string[], name: string, children: Children<Value>): void {
  for (const { suffix, child } of children.entries()) {
    lines.push(suffix === '' ? `${name} ${formatValue(child.value)}` : `${name}{${suffix}} ${formatValue(child.value)}`);
  }
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

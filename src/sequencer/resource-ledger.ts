/**
 * The ledger of one batch: what is used of each resource, and the slack that has to stay free.
 *
 * Every item has what it used and what it may need when it is executed again on a deeper tree (reserved >= used). The slack is, for each
 * resource, the largest (reserved - used) of all items so far; the next item needs used + max(slack, reserved - used). Testing each item
 * alone would accept a batch of many small items although one of the earlier ones can no longer have its reserve.
 */
import { RESOURCE_COUNT } from '../native/layouts.js';
import { RESOURCE_ORDER, type ResourceVector, zeroResources } from './resources.js';

/** What one item uses, and reserves. */
export interface ItemResources {
  readonly used: readonly number[];
  readonly reserved: readonly number[];
}

/** A resource that an item lacks. */
export interface Shortfall {
  readonly resource: number;
  readonly needed: number;
  readonly remaining: number;
}

/** Resources of the open batch. */
export class ResourceLedger {
  readonly limits: ResourceVector;
  readonly #used: ResourceVector;
  readonly #high: ResourceVector;

  constructor(limits: readonly number[], used: readonly number[] = zeroResources(), high: readonly number[] = zeroResources()) {
    this.limits = [...limits];
    this.#used = [...used];
    this.#high = [...high];
  }

  get used(): readonly number[] {
    return this.#used;
  }

  /** High-reserved slack of each resource. */
  get high(): readonly number[] {
    return this.#high;
  }

  remainingOf(resource: number): number {
    return Math.max(0, (this.limits[resource] ?? 0) - (this.#used[resource] ?? 0));
  }

  remaining(): ResourceVector {
    const remaining = zeroResources();
    for (let i = 0; i < RESOURCE_COUNT; i++) remaining[i] = this.remainingOf(i);
    return remaining;
  }

  /** What an item needs of a resource: used + max(slack, reserved - used). */
  neededOf(resource: number, item: ItemResources): number {
    const used = item.used[resource] ?? 0;
    const reserve = Math.max(0, (item.reserved[resource] ?? 0) - used);
    return used + Math.max(this.#high[resource] ?? 0, reserve);
  }

  /** The first resource, in order of inspection, that the item lacks; null where it fits. */
  shortfall(item: ItemResources): Shortfall | null {
    for (const resource of RESOURCE_ORDER) {
      const needed = this.neededOf(resource, item);
      const remaining = this.remainingOf(resource);
      if (needed > remaining) return { resource, needed, remaining };
    }
    return null;
  }

  /** Books an item. */
  add(item: ItemResources): void {
    for (let i = 0; i < RESOURCE_COUNT; i++) {
      const used = item.used[i] ?? 0;
      const reserve = (item.reserved[i] ?? 0) - used;
      this.#used[i] = (this.#used[i] ?? 0) + used;
      if (reserve > (this.#high[i] ?? 0)) this.#high[i] = reserve;
    }
  }

  /** Share of a resource that is used, 0 to 1. */
  fill(resource: number): number {
    const limit = this.limits[resource] ?? 0;
    return limit === 0 ? 1 : (this.#used[resource] ?? 0) / limit;
  }

  copy(): ResourceLedger {
    return new ResourceLedger(this.limits, this.#used, this.#high);
  }
}

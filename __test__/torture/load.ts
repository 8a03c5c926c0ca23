/**
 * Who sends what when. Honest senders keep the node busy as far as it keeps up; hostile ones send in proportion to them, whatever becomes of
 * it, and do not wait for answers. Packets are made beforehand: signing is no work of the node.
 */
import { sleep } from '../helpers/node.js';
import type { Cast, Contracts } from './actors.js';
import type { Draft, Packet } from './packets.js';
import type { PoolWorld } from './world.js';

const HONEST_CONNECTIONS = 8;
const PACKET_TXS = 50;
/** Honest transactions that are on their way at most: the node always has enough to do. */
const HONEST_OPEN_MAX = 6_000;
/** Of everything that is sent in an attack: out of counters, and what all other hostile ones send. Much of the latter pays and is included. */
const BURNING_SHARE = 0.25;
const PLAYING_SHARE = 0.05;
const HONEST_SHARE = 1 - BURNING_SHARE - PLAYING_SHARE;
/** Games that are played side by side: each packet holds one step of all of them. */
const TROUPE_GAMES = 25;
/** Slow games go together, so that others need not wait for them: one troupe in so many, and small. */
const SLOW_TROUPE_EVERY = 10;
const SLOW_TROUPE_GAMES = 8;
/** Hostile packets without an answer at most; more than the node lets wait. */
const HOSTILE_OPEN_MAX = 400;
const TICK_MS = 5;
const PREPARE_SLICE_MS = 50;

/** What was sent in an attack. */
export interface SentCounts {
  honest: number;
  burning: number;
  playing: number;
}

/** The load of one run. */
export class Load {
  readonly attack: SentCounts = { honest: 0, burning: 0, playing: 0 };
  readonly #world: PoolWorld;
  readonly #cast: Cast;
  readonly #contracts: Contracts;
  /** By connection: a sender keeps to one, so that no nonce overtakes another. */
  readonly #honest: Packet[][] = Array.from({ length: HONEST_CONNECTIONS }, () => []);
  readonly #unpacked: Draft[][] = Array.from({ length: HONEST_CONNECTIONS }, () => []);
  /** Packets that are being signed; each is filed where it belongs by what its promise answers. */
  readonly #inMaking: Promise<() => void>[] = [];
  #honestReady = 0;
  #honestMade = 0;
  readonly #burns: Packet[] = [];
  #burnsReady = 0;
  readonly #troupes: Packet[][] = [];
  #troupesMade = 0;
  #playsReady = 0;
  readonly #hostileOpen = new Set<Promise<void>>();
  #failure: unknown = null;

  constructor(world: PoolWorld, cast: Cast, contracts: Contracts) {
    this.#world = world;
    this.#cast = cast;
    this.#contracts = contracts;
  }

  /**
   * Makes what is missing of so many honest transactions, and of the hostile ones that go with them. In small steps: a client whose event
   * loop stands still does not notice that the node closes its idle connections.
   */
  async prepare(honest: number, isAttacked: boolean): Promise<void> {
    await untilDone(() => this.#honestReady < honest && this.#makeHonest());
    if (isAttacked) {
      const burning = (honest * BURNING_SHARE) / HONEST_SHARE;
      await untilDone(() => this.#burnsReady < burning && this.#makeBurns());
      const playing = (honest * PLAYING_SHARE) / HONEST_SHARE;
      await untilDone(() => this.#playsReady < playing && this.#makeTroupe());
    }
    // In the order in which they were made, whichever thread is the faster.
    for (const file of await Promise.all(this.#inMaking.splice(0))) file();
  }

  /** Sends until the moment, or until nothing prepared is left. Throws what went wrong; answers may be due still. */
  async send(untilMs: number, isAttacked: boolean): Promise<void> {
    const counts = isAttacked ? this.attack : { honest: 0, burning: 0, playing: 0 };
    let isOver = false;
    const honest = Promise.all(this.#honest.map((queue) => this.#sendHonest(queue, untilMs, counts))).then(() => {
      isOver = true;
    });
    const hostile = isAttacked ? this.#sendHostile(counts, () => isOver || Date.now() >= untilMs) : Promise.resolve();
    await Promise.all([honest, hostile]);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Resolves when everything is answered. */
  async answered(): Promise<void> {
    await Promise.all(this.#hostileOpen);
    if (this.#failure !== null) throw this.#failure;
  }

  #makeHonest(): true {
    // Senders take turns, and their number is a multiple of the connections'.
    const line = this.#honestMade++ % HONEST_CONNECTIONS;
    const group = this.#unpacked[line] ?? [];
    group.push(this.#cast.honest());
    if (group.length === PACKET_TXS) {
      this.#make([group.splice(0)], (packets) => this.#honest[line]?.push(...packets));
      this.#honestReady += PACKET_TXS;
    }
    return true;
  }

  #makeBurns(): true {
    const group = Array.from({ length: PACKET_TXS }, () => this.#cast.burn(this.#contracts));
    this.#make([group], (packets) => this.#burns.push(...packets));
    this.#burnsReady += PACKET_TXS;
    return true;
  }

  #makeTroupe(): true {
    const isSlow = this.#troupesMade++ % SLOW_TROUPE_EVERY === 0;
    const game = isSlow ? () => this.#cast.slowGame(this.#contracts) : () => this.#cast.game();
    const games = Array.from({ length: isSlow ? SLOW_TROUPE_GAMES : TROUPE_GAMES }, game);
    const steps = Math.max(...games.map((steps) => steps.length));
    const groups = Array.from({ length: steps }, (_unused, step) => games.flatMap((game) => game[step] ?? []));
    this.#make(groups, (packets) => this.#troupes.push(packets));
    this.#playsReady += groups.reduce((sum, { length }) => sum + length, 0);
    return true;
  }

  /** Has packets signed that go together. */
  #make(groups: readonly (readonly Draft[])[], file: (packets: Packet[]) => void): void {
    const packets = Promise.all(groups.map((group) => this.#world.pack(group)));
    this.#inMaking.push(packets.then((packets) => () => file(packets)));
  }

  async #sendHonest(queue: Packet[], untilMs: number, counts: SentCounts): Promise<void> {
    while (Date.now() < untilMs && this.#failure === null) {
      if (this.#world.honestOpen >= HONEST_OPEN_MAX) {
        await sleep(TICK_MS);
        continue;
      }
      const packet = queue.shift();
      if (packet === undefined) return;
      this.#honestReady -= packet.courses.length;
      counts.honest += packet.courses.length;
      await this.#deliver(packet);
    }
  }

  async #sendHostile(counts: SentCounts, isOver: () => boolean): Promise<void> {
    for (;;) {
      const over = isOver();
      while (this.#failure === null && this.#hostileOpen.size < HOSTILE_OPEN_MAX && this.#sendOneHostile(counts));
      if (over) return;
      await sleep(TICK_MS);
    }
  }

  /** False where the hostile ones have sent their share. */
  #sendOneHostile(counts: SentCounts): boolean {
    const all = counts.honest / HONEST_SHARE;
    const packet = counts.burning < all * BURNING_SHARE ? this.#burns.shift() : undefined;
    if (packet !== undefined) {
      counts.burning += packet.courses.length;
      this.#burnsReady -= packet.courses.length;
      this.#track(this.#deliver(packet));
      return true;
    }
    const troupe = counts.playing < all * PLAYING_SHARE ? this.#troupes.shift() : undefined;
    if (troupe === undefined) return false;
    counts.playing += sizeOf(troupe);
    this.#playsReady -= sizeOf(troupe);
    this.#track(this.#play(troupe));
    return true;
  }

  /** Each step when the one before it is answered, and to the end: what becomes of a game's transactions depends on all of them. */
  async #play(troupe: readonly Packet[]): Promise<void> {
    for (const packet of troupe) await this.#deliver(packet);
  }

  #track(sending: Promise<void>): void {
    this.#hostileOpen.add(sending);
    void sending.then(() => this.#hostileOpen.delete(sending));
  }

  /** Never rejects: the first failure ends the run. */
  async #deliver(packet: Packet): Promise<void> {
    try {
      await this.#world.send(packet);
    } catch (error) {
      this.#failure ??= error;
    }
  }
}

function sizeOf(packets: readonly Packet[]): number {
  return packets.reduce((sum, { courses }) => sum + courses.length, 0);
}

/** Repeats a step while it says so, and lets others run now and then. */
async function untilDone(step: () => boolean): Promise<void> {
  let fromMs = performance.now();
  while (step()) {
    if (performance.now() - fromMs < PREPARE_SLICE_MS) continue;
    await sleep(0);
    fromMs = performance.now();
  }
}

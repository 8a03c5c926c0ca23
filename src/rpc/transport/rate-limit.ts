/**
 * Limits what one client address may ask for: a token bucket for each address and cost class. Addresses of IPv6 count by their /64, which
 * one host has whole. Loopback is exempt where nothing else is said: what runs on this machine (a reverse proxy, a bench) is trusted.
 */
import type { Clock } from '../../common/clock.js';
import type { CostClass } from '../cost.js';
import type { Allowance } from '../method.js';

/** What the limiter works by. */
export interface RateLimitConfig {
  /** Requests per second and address; 0 = unlimited. */
  readonly rateReadPerSecond: number;
  readonly rateHeavyPerSecond: number;
  readonly rateSendPerSecond: number;
  /** A bucket holds what so many seconds bring in. */
  readonly rateBurstSeconds: number;
  readonly rateLimitLoopback: boolean;
  /** Addresses whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}

/** First byte of the addresses of IPv4's loopback. */
const LOOPBACK_NET = 127;
/** Addresses that are remembered; the ones that were silent longest are forgotten, and start with a full bucket again. */
const PEERS_MAX = 50_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

type Rates = Readonly<Record<CostClass, number>>;

class Peer implements Allowance {
  readonly #buckets: Partial<Record<CostClass, Bucket>> = {};
  readonly #rates: Rates;
  readonly #burstSeconds: number;
  readonly #clock: Clock;

  constructor(rates: Rates, burstSeconds: number, clock: Clock) {
    this.#rates = rates;
    this.#burstSeconds = burstSeconds;
    this.#clock = clock;
  }

  take(cost: CostClass): number {
    const rate = this.#rates[cost];
    if (rate === 0) return 0;
    const nowMs = this.#clock.monotonicMs();
    const size = Math.max(1, rate * this.#burstSeconds);
    let bucket = this.#buckets[cost];
    if (bucket === undefined) {
      bucket = { tokens: size, atMs: nowMs };
      this.#buckets[cost] = bucket;
    }
    bucket.tokens = Math.min(size, bucket.tokens + ((nowMs - bucket.atMs) * rate) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return ((1 - bucket.tokens) * 1000) / rate;
    bucket.tokens--;
    return 0;
  }
}

/** Finds the allowance of a client. */
export class RateLimiter {
  readonly #config: RateLimitConfig;
  readonly #rates: Rates;
  readonly #clock: Clock;
  readonly #proxies: ReadonlySet<string>;
  /** Nobody is limited. */
  readonly #isOff: boolean;
  /** What comes over loopback is not limited, whoever it says it is for. */
  readonly #loopbackIsFree: boolean;
  /** Silent longest first. */
  readonly #peers = new Map<string, Peer>();

  constructor(config: RateLimitConfig, clock: Clock) {
    this.#config = config;
    this.#rates = { read: config.rateReadPerSecond, heavy: config.rateHeavyPerSecond, send: config.rateSendPerSecond };
    this.#clock = clock;
    this.#proxies = new Set(config.trustedProxies.map((address) => canonical(address)));
    this.#isOff = Object.values(this.#rates).every((rate) => rate === 0);
    this.#loopbackIsFree = !config.rateLimitLoopback && ![...this.#proxies].some(isLoopback);
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#peers.size;
  }

  /** Whether it takes no looking at a client that reaches this host to know that it is not limited. */
  limitsNobodyOn(host: string): boolean {
    return this.#isOff || (this.#loopbackIsFree && isLoopback(canonical(host)));
  }

  /** The allowance of a client; null where it is not limited. `forwardedFor` is only asked for where the socket is a trusted proxy's. */
  allowance(remote: ArrayBuffer, forwardedFor: () => string): Allowance | null {
    if (this.#isOff) return null;
    const bytes = new Uint8Array(remote);
    if (this.#loopbackIsFree && bytes.length === 4 && bytes[0] === LOOPBACK_NET) return null;
    const address = addressText(bytes);
    const client = this.#proxies.has(address) ? this.#behindProxy(address, forwardedFor()) : address;
    if (!this.#config.rateLimitLoopback && isLoopback(client)) return null;
    const key = client.includes(':') ? client.split(':').slice(0, 4).join(':') : client;
    let peer = this.#peers.get(key);
    if (peer === undefined) peer = new Peer(this.#rates, this.#config.rateBurstSeconds, this.#clock);
    else this.#peers.delete(key);
    this.#peers.set(key, peer);
    if (this.#peers.size > PEERS_MAX) this.#forgetOldest();
    return peer;
  }

  /** The last address of the list that no trusted proxy of ours wrote: what is before it, the client may have made up. */
  #behindProxy(socket: string, forwardedFor: string): string {
    const hops = forwardedFor.split(',').map((hop) => canonical(hop.trim()));
    for (let i = hops.length - 1; i >= 0; i--) {
      const hop = hops[i];
      if (hop === undefined || hop === '') break;
      if (!this.#proxies.has(hop)) return hop;
    }
    return socket;
  }

  #forgetOldest(): void {
    const oldest = this.#peers.keys().next();
    if (oldest.done !== true) this.#peers.delete(oldest.value);
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '0:0:0:0:0:0:0:1';
}

/** Dotted text of four bytes, or eight groups of sixteen; IPv4 within IPv6 as IPv4. */
function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const isMapped = bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
  if (isMapped) return bytes.subarray(12).join('.');
  const groups: string[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(':');
}

/** An address as `addressText` writes it: a port or brackets gone, zeros of IPv6 filled in. Other texts stay as they are. */
export function canonical(text: string): string {
  const bare = text.replace(/^\[([^\]]*)\](:\d+)?$/, '$1').toLowerCase();
  if (/^\d{1,3}(\.\d{1,3}){3}(:\d+)?$/.test(bare)) return bare.replace(/:\d+$/, '');
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/.exec(bare);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!/^[0-9a-f:]+$/.test(bare) || !bare.includes(':')) return bare;
  const [left = '', right] = bare.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? [] : new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].map((group) => (Number.parseInt(group, 16) || 0).toString(16)).join(':');
}

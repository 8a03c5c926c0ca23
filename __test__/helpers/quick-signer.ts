/**
 * Signs thousands of transactions a second for load: every signature uses the nonce 1 of the curve, so that r is the generator's x and no
 * point is multiplied. Valid, and worthless as a secret: the key can be read from any of them.
 */
import { computeAddress, keccak256, SigningKey } from 'ethers';
import { CHAIN_ID } from './accounts.js';

const CURVE_ORDER = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n;
const GENERATOR_X = 0x79be_667e_f9dc_bbac_55a0_6295_ce87_0b07_029b_fcdb_2dce_28d9_59f2_815b_16f8_1798n;
/** Parity of the generator's y. */
const GENERATOR_PARITY = 0n;
const EMPTY = Buffer.alloc(0);

/** A key with its address. */
export class QuickWallet {
  readonly address: string;
  /** What its next transaction takes. */
  nonce = 0;
  /** What its signatures take of its secret. */
  readonly factor: bigint;

  constructor(secret: bigint) {
    this.address = computeAddress(new SigningKey(`0x${secret.toString(16).padStart(64, '0')}`)).toLowerCase();
    this.factor = (GENERATOR_X * secret) % CURVE_ORDER;
  }

  /** A signed legacy transaction and its hash. */
  sign(fields: QuickFields): QuickTransaction {
    return quickSign(this.factor, fields);
  }
}

/** A signed legacy transaction of the wallet with this factor, and its hash. */
export function quickSign(factor: bigint, fields: QuickFields): QuickTransaction {
  const body = [
    quantity(BigInt(fields.nonce)),
    quantity(fields.gasPrice),
    quantity(fields.gasLimit),
    fields.to === null ? EMPTY : Buffer.from(fields.to.slice(2), 'hex'),
    quantity(fields.value),
    fields.data,
  ];
  const digest = BigInt(keccak256(list([...body, quantity(CHAIN_ID), EMPTY, EMPTY])));
  const high = (digest + factor) % CURVE_ORDER;
  const isHigh = high > CURVE_ORDER / 2n;
  const parity = isHigh ? 1n - GENERATOR_PARITY : GENERATOR_PARITY;
  const raw = list([...body, quantity(35n + CHAIN_ID * 2n + parity), quantity(GENERATOR_X), quantity(isHigh ? CURVE_ORDER - high : high)]);
  return { raw: `0x${raw.toString('hex')}`, hash: keccak256(raw) };
}

export interface QuickFields {
  readonly nonce: number;
  readonly gasPrice: bigint;
  readonly gasLimit: bigint;
  /** Null for a deployment. */
  readonly to: string | null;
  readonly value: bigint;
  readonly data: Uint8Array;
}

export interface QuickTransaction {
  readonly raw: string;
  readonly hash: string;
}

function quantity(value: bigint): Buffer {
  if (value === 0n) return EMPTY;
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function head(offset: number, length: number): Buffer {
  if (length < 56) return Buffer.from([offset + length]);
  const size = quantity(BigInt(length));
  return Buffer.concat([Buffer.from([offset + 55 + size.length]), size]);
}

function list(items: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const item of items) {
    if (item.length !== 1 || (item[0] ?? 0) >= 0x80) parts.push(head(0x80, item.length));
    parts.push(item);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([head(0xc0, body.length), body]);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { REPRICING, readU256 } from '../../../src/native/layouts.js';
import {
  breakEvenGasPrice,
  chargedGasPrice,
  EFFECTIVE_GAS_PRICE_DEFAULTS,
  effectiveGasPrice,
  isBelowBreakEven,
  percentageFor,
} from '../../../src/pool/effective-gas-price.js';
import { categoryOf, Pricing } from '../../../src/pool/pricing.js';
import { ROOT } from '../../helpers/paths.js';
import fc from '../../helpers/properties.js';

const GWEI = 1_000_000_000n;
const config = { ...EFFECTIVE_GAS_PRICE_DEFAULTS, l1GasPriceFactorPpm: 50_000n };
const example = {
  l1GasPriceWei: 20n * GWEI,
  l2GasPriceWei: 3n * GWEI,
  signedGasPriceWei: 3n * GWEI,
  gasUsed: 21_000n,
  nonZeroBytes: 100,
  zeroBytes: 10,
};

test('the worked example: break-even 2.577 gwei, byte 219, charged 2.578 gwei', (t) => {
  const breakEven = breakEvenGasPrice(example, config);
  t.is(breakEven, 2_577_142_857n);
  const effective = effectiveGasPrice(example, config);
  t.is(effective, breakEven);
  const percentage = percentageFor(effective, example.signedGasPriceWei);
  t.is(percentage, 219);
  t.is(chargedGasPrice(example.signedGasPriceWei, percentage), 2_578_125_000n);
});

test('paying more than suggested raises the effective price in proportion', (t) => {
  const paysMore = { ...example, signedGasPriceWei: 6n * GWEI };
  t.is(effectiveGasPrice(paysMore, config), 2n * 2_577_142_857n);
  t.is(effectiveGasPrice({ ...example, signedGasPriceWei: GWEI }, config), 2_577_142_857n);
  t.is(effectiveGasPrice({ ...paysMore, l2GasPriceWei: 0n }, config), 2_577_142_857n);
});

test('special cases: no gas used, fixed transfer price, transfer factor, at least one wei', (t) => {
  t.is(breakEvenGasPrice({ ...example, gasUsed: 0n }, config), example.signedGasPriceWei);
  t.is(breakEvenGasPrice(example, { ...config, ethTransferGasPriceWei: 7n }), 7n);
  t.is(breakEvenGasPrice(example, { ...config, ethTransferL1GasPriceFactorPpm: 10_000n }), GWEI / 5n);
  t.is(breakEvenGasPrice({ ...example, l1GasPriceWei: 0n }, config), 1n);
});

test('percentage byte: full from the signed price on, smallest sufficient one below', (t) => {
  t.is(percentageFor(3n, 3n), 255);
  t.is(percentageFor(4n, 3n), 255);
  t.is(percentageFor(1n, 256n), 0);
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 200n }), fc.bigInt({ min: 1n, max: 2n ** 200n }), (effective, signed) => {
      const percentage = percentageFor(effective, signed);
      if (percentage < 0 || percentage > 255) return false;
      if (effective >= signed) return percentage === 255;
      // Compared without the final floor: the charge covers the effective price, one step less would not.
      const covers = signed * BigInt(percentage + 1) >= effective * 256n;
      const lessWould = percentage > 0 && signed * BigInt(percentage) >= effective * 256n;
      return covers && !lessWould;
    }),
  );
});

test('admission refuses only below break-even and below the suggested price', (t) => {
  const breakEven = breakEvenGasPrice(example, config);
  t.false(isBelowBreakEven(example, breakEven, config), 'not below the suggestion: the operator takes the loss');
  t.true(isBelowBreakEven({ ...example, signedGasPriceWei: (breakEven * 11n) / 10n - 1n }, breakEven, config));
  t.false(isBelowBreakEven({ ...example, signedGasPriceWei: (breakEven * 11n) / 10n + 1n }, breakEven, config));
});

const transaction = { gasPrice: 3n * GWEI, batchBytes: 111, zeroBytes: 10, to: '0x01', raw: Buffer.alloc(0), need: { gasUsed: 21_000 } };
const prices = { l1Wei: 20n * GWEI, suggestedWei: () => 3n * GWEI };

test('modes: off charges all, category is fixed, break-even follows the formula', (t) => {
  t.is(new Pricing(config, prices).percentage(transaction), 255);
  const categories = {
    ...config,
    mode: 'category' as const,
    categoryPercentage: { transfer: 1, erc20Transfer: 2, contractCall: 3, deployment: 4 },
  };
  const category = new Pricing(categories, prices);
  t.is(category.percentage(transaction), 1);
  t.is(category.percentage({ ...transaction, to: null }), 4);
  t.is(category.percentage({ ...transaction, need: { gasUsed: 50_000 } }), 3);
  const breakEven = new Pricing({ ...config, mode: 'breakEven' }, prices);
  t.is(breakEven.percentage(transaction), 219);
  t.is(breakEven.refusal(transaction), null);
  t.is(breakEven.refusal({ ...transaction, gasPrice: GWEI }), 2_577_142_857n);
  t.is(new Pricing({ ...config, mode: 'breakEven' }, { ...prices, l1Wei: 0n }).refusal({ ...transaction, gasPrice: 1n }), null);
});

test('an ERC-20 transfer is told by its data', (t) => {
  const raw = Buffer.concat([Buffer.from('f8aa', 'hex'), Buffer.from('b844a9059cbb', 'hex'), Buffer.alloc(64)]);
  t.is(categoryOf({ ...transaction, raw, need: { gasUsed: 50_000 } }), 'erc20Transfer');
});

test('the formula on the vectors that the native code is held to as well', (t) => {
  const vectors = JSON.parse(readFileSync(join(ROOT, '__test__/vectors/effective-gas-price.json'), 'utf8'));
  t.true(vectors.length > 90);
  for (const [i, vector] of vectors.entries()) {
    const given = {
      ...config,
      l1GasPriceFactorPpm: BigInt(vector.l1FactorPpm),
      byteGasCost: BigInt(vector.byteGas),
      zeroByteGasCost: BigInt(vector.zeroByteGas),
      netProfitPpm: BigInt(vector.netProfitPpm),
      ethTransferGasPriceWei: BigInt(vector.transferPrice),
      ethTransferL1GasPriceFactorPpm: BigInt(vector.transferL1FactorPpm),
    };
    const at = (gasUsed: string) => ({
      l1GasPriceWei: BigInt(vector.l1),
      l2GasPriceWei: BigInt(vector.l2),
      signedGasPriceWei: BigInt(vector.signed),
      gasUsed: BigInt(gasUsed),
      nonZeroBytes: vector.nonZero,
      zeroBytes: vector.zero,
    });
    t.is(breakEvenGasPrice(at(vector.expectedGas), given), BigInt(vector.breakEven), `vector ${i}`);
    const first = effectiveGasPrice(at(vector.expectedGas), given);
    t.is(first, BigInt(vector.first), `vector ${i}`);
    t.is(effectiveGasPrice(at(vector.gasUsed), given), BigInt(vector.second), `vector ${i}`);
    t.is(percentageFor(first, BigInt(vector.signed)), vector.percentage, `vector ${i}`);
  }
});

test('what native code prices again by: the prices of now, the factors, the gas of each transaction', (t) => {
  const breakEven = new Pricing({ ...config, mode: 'breakEven', ethTransferGasPriceWei: 1n << 200n }, prices);
  const layout = breakEven.repricing([transaction, { ...transaction, need: { gasUsed: 50_000 } }]) as Buffer;
  t.is(layout.length, REPRICING.gas + 16);
  t.is(readU256(layout, REPRICING.l1GasPrice), 20n * GWEI);
  t.is(readU256(layout, REPRICING.l2GasPrice), 3n * GWEI);
  t.is(readU256(layout, REPRICING.ethTransferGasPrice), 1n << 200n);
  t.is(layout.readBigUInt64LE(REPRICING.l1GasPriceFactorPpm), 50_000n);
  t.is(layout.readBigUInt64LE(REPRICING.finalDeviationPpm), 100_000n);
  t.deepEqual([layout.readBigUInt64LE(REPRICING.gas), layout.readBigUInt64LE(REPRICING.gas + 8)], [21_000n, 50_000n]);
  // An L1 node may say anything: more than fits is the largest that does, not a failure of the sequencer.
  const absurd = new Pricing({ ...config, mode: 'breakEven' }, { ...prices, l1Wei: 1n << 300n }).repricing([transaction]) as Buffer;
  t.is(readU256(absurd, REPRICING.l1GasPrice), (1n << 256n) - 1n);
});

test('nothing is priced again without an L1 price, nor in the other modes', (t) => {
  t.is(new Pricing({ ...config, mode: 'breakEven' }, { ...prices, l1Wei: 0n }).repricing([transaction]), null);
  t.is(new Pricing({ ...config, mode: 'off' }, prices).repricing([transaction]), null);
  t.is(new Pricing({ ...config, mode: 'category' }, prices).repricing([transaction]), null);
});

//! The precompiles: which there are, what they cost in gas and counters, and what the chain does
//! differently from Ethereum.

use crate::StateReader;
use crate::cost::{ModexpShape, ecrecover_cost, modexp_cost};
use crate::host::{Host, precompile_number};
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::precompile::{bn254, hash, identity, modexp, secp256r1};
use zkevm_codec::{SECP256K1_ORDER, recover_prehash};

/// How a precompile ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It gave an output for this much gas.
    Success { gas_used: u64, output: Bytes },
    /// Nothing happened and all gas comes back.
    Refused { is_unsupported: bool },
    /// All gas is used up.
    OutOfGas,
    /// The input is invalid: all gas is used up.
    Failed,
}

const ECRECOVER_GAS: u64 = 3_000;
const EC_ADD_GAS: u64 = 150;
const EC_MUL_GAS: u64 = 6_000;
const EC_PAIRING_GAS: u64 = 45_000;
const EC_PAIRING_PAIR_GAS: u64 = 34_000;
const EC_PAIRING_PAIR_BYTES: usize = 192;
const P256_VERIFY_GAS: u64 = 3_450;
const P256_VERIFY_INPUT_BYTES: usize = 160;

/// Runs the precompile at `address`; none when there is no precompile. `return_bytes` is the length of
/// the return area the caller asked for.
pub(crate) fn run<S: StateReader>(
    host: &mut Host<S>,
    address: &Address,
    input: &[u8],
    gas: u64,
    return_bytes: u64,
) -> Option<Outcome> {
    let number = precompile_number(address)?;
    let size = input.len() as u64;
    let profile = host.meter.profile();
    let outcome = match number {
        1 => ecrecover(host, input, gas),
        2 => stock(hash::sha256_run(input, gas)).inspect_success(|| {
            host.meter.formula(&profile.precompile_sha256, &[size]);
        }),
        4 => stock(identity::identity_run(input, gas)).inspect_success(|| {
            host.meter.formula(&profile.precompile_identity, &[size, return_bytes]);
        }),
        5 if host.spec.modexp => mod_exp(host, input, gas, return_bytes),
        6 if gas >= EC_ADD_GAS => {
            host.meter.formula(&profile.precompile_ecadd, &[]);
            stock(bn254::run_add(input, EC_ADD_GAS, gas))
        }
        7 if gas >= EC_MUL_GAS => {
            host.meter.formula(&profile.precompile_ecmul, &[]);
            stock(bn254::run_mul(input, EC_MUL_GAS, gas))
        }
        8 => ec_pairing(host, input, gas),
        6 | 7 => Outcome::OutOfGas,
        3 | 5 | 9 => Outcome::Refused { is_unsupported: true },
        0x100 if host.spec.p256_verify => p256_verify(host, input, gas),
        _ => return None,
    };
    Some(outcome)
}

impl Outcome {
    fn inspect_success(self, count: impl FnOnce()) -> Self {
        if matches!(self, Self::Success { .. }) {
            count();
        }
        self
    }
}

fn stock(result: revm::precompile::EthPrecompileResult) -> Outcome {
    use revm::precompile::PrecompileHalt;
    match result {
        Ok(output) => Outcome::Success { gas_used: output.gas_used, output: output.bytes },
        Err(PrecompileHalt::OutOfGas) => Outcome::OutOfGas,
        Err(_) => Outcome::Failed,
    }
}

/// Bytes `at..at + N` of the input, zero past its end.
fn padded<const N: usize>(input: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    let rest = input.get(at..).unwrap_or_default();
    let length = rest.len().min(N);
    bytes[..length].copy_from_slice(&rest[..length]);
    bytes
}

fn word(input: &[u8], at: usize) -> U256 {
    U256::from_be_bytes(padded::<32>(input, at))
}

fn ecrecover<S: StateReader>(host: &mut Host<S>, input: &[u8], gas: u64) -> Outcome {
    if gas < ECRECOVER_GAS {
        return Outcome::OutOfGas;
    }
    let hash = B256::from(padded::<32>(input, 0));
    let (v, r, s) = (word(input, 32), word(input, 64), word(input, 96));
    let recovery = recover_prehash(&hash, r, s, v, SECP256K1_ORDER - U256::ONE);
    let profile = host.meter.profile();
    host.meter.formula(&profile.precompile_ecrecover, &[]);
    host.meter.cost(ecrecover_cost(profile, recovery));
    let output = recovery.signer().map(|signer| Bytes::copy_from_slice(signer.into_word().as_slice()));
    Outcome::Success { gas_used: ECRECOVER_GAS, output: output.unwrap_or_default() }
}

fn ec_pairing<S: StateReader>(host: &mut Host<S>, input: &[u8], gas: u64) -> Outcome {
    let pairs = (input.len() / EC_PAIRING_PAIR_BYTES) as u64;
    if gas < EC_PAIRING_GAS + EC_PAIRING_PAIR_GAS * pairs {
        return Outcome::OutOfGas;
    }
    host.meter.formula(&host.meter.profile().precompile_ecpairing, &[pairs]);
    if !host.may_begin_sized() {
        // The failure ends the transaction; its pairs are not worth computing.
        return Outcome::OutOfGas;
    }
    stock(bn254::run_pair(input, EC_PAIRING_PAIR_GAS, EC_PAIRING_GAS, gas))
}

/// Longest operand of modexp in bytes.
const MODEXP_OPERAND_BYTES_MAX: usize = 1024;
const MODEXP_WORDS_MAX: u64 = 9_487;
const MODEXP_ITERATIONS_MAX: u64 = 90_000_000;
const MODEXP_GAS_MAX: u64 = 30_000_000;
const MODEXP_GAS_MIN: u64 = 200;

fn mod_exp<S: StateReader>(host: &mut Host<S>, input: &[u8], gas: u64, return_bytes: u64) -> Outcome {
    let lengths = [word(input, 0), word(input, 32), word(input, 64)];
    let Some(price) = modexp_price(input, lengths) else { return Outcome::OutOfGas };
    if price > gas {
        return Outcome::OutOfGas;
    }
    let [base, exponent, modulus] = lengths.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if modulus == 0 {
        return Outcome::Success { gas_used: price, output: Bytes::new() };
    }
    let too_long = |length| length > MODEXP_OPERAND_BYTES_MAX;
    if base == 0 && !too_long(modulus) {
        return Outcome::Success { gas_used: price, output: vec![0; modulus].into() };
    }
    if too_long(base) || too_long(exponent) || too_long(modulus) {
        return Outcome::Refused { is_unsupported: false };
    }
    let profile = host.meter.profile();
    host.meter.formula(&profile.precompile_modexp, &[input.len() as u64, return_bytes]);
    if host.meter.is_enabled()
        && let Some(shape) = modexp_shape(input, base, exponent, modulus)
    {
        host.meter.priced(modexp_cost(&shape));
    }
    // The stock function's own price is the same and was paid above.
    match stock(modexp::berlin_run(input, u64::MAX)) {
        Outcome::Success { output, .. } => Outcome::Success { gas_used: price, output },
        other => other,
    }
}

/// EIP-2565's price with the ROM's limits; none when it cannot be paid by any transaction.
fn modexp_price(input: &[u8], [base, exponent, modulus]: [U256; 3]) -> Option<u64> {
    let words = u64::try_from(base.max(modulus)).ok()?.div_ceil(8);
    if words > MODEXP_WORDS_MAX {
        return None;
    }
    let exponent_at = usize::try_from(base).ok()?.checked_add(96)?;
    let head_bytes = usize::try_from(exponent.min(U256::from(32))).ok()?;
    let mut head = padded::<32>(input, exponent_at);
    head[head_bytes..].fill(0);
    head.rotate_right(32 - head_bytes);
    let head_bits = (U256::from_be_bytes(head).bit_len() as u64).saturating_sub(1);
    let iterations = if exponent <= U256::from(32) {
        head_bits
    } else {
        u64::try_from(exponent - U256::from(32)).ok()?.checked_mul(8)?.checked_add(head_bits)?
    };
    if iterations > MODEXP_ITERATIONS_MAX {
        return None;
    }
    let price = u128::from(words * words) * u128::from(iterations.max(1)) / 3;
    u64::try_from(price).ok().filter(|&price| price < MODEXP_GAS_MAX).map(|price| price.max(MODEXP_GAS_MIN))
}

/// What the counters need of the operands; none for a modulus of zero.
fn modexp_shape(input: &[u8], base: usize, exponent: usize, modulus: usize) -> Option<ModexpShape> {
    let operand = |at: usize, length: usize| {
        let mut bytes = vec![0; length];
        let given = input.get(96 + at..).unwrap_or_default();
        let given = &given[..given.len().min(length)];
        bytes[..given.len()].copy_from_slice(given);
        bytes
    };
    let (b, e, m) = (operand(0, base), operand(base, exponent), operand(base + exponent, modulus));
    let (quotient, remainder) = division::word_counts(&b, &m)?;
    let words = |length: usize| length.div_ceil(32) as u64;
    Some(ModexpShape {
        base: words(base),
        exponent: words(exponent),
        modulus: words(modulus),
        quotient,
        remainder,
        odd: e.iter().map(|byte| u64::from(byte.count_ones())).sum(),
    })
}

mod division;

fn p256_verify<S: StateReader>(host: &mut Host<S>, input: &[u8], gas: u64) -> Outcome {
    if gas < P256_VERIFY_GAS {
        return Outcome::OutOfGas;
    }
    let input = padded::<P256_VERIFY_INPUT_BYTES>(input, 0);
    let profile = host.meter.profile();
    host.meter.formula(&profile.precompile_p256verify, &[]);
    if host.meter.is_enabled() {
        host.meter.cost(&profile.p256_outcomes[p256::outcome(&input)]);
    }
    stock(secp256r1::p256_verify(&input, gas))
}

mod p256;

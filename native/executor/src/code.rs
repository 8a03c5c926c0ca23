//! Code as the interpreter wants it.

use crate::{StateError, StateReader};
use alloy_primitives::{B256, Bytes, map::B256Map};
use revm::bytecode::{Bytecode, JumpTable};
use std::sync::{LazyLock, RwLock};

/// Zero bytes after the code. A jump may land on a `0x5b` inside push data, so a PUSH32 may start at
/// any byte: its 32 immediate bytes and one STOP must follow even the last byte.
const PADDING_BYTES: usize = 33;
/// Bytes of code that stay prepared; beyond it the cache starts anew. 64 MiB hold some 2,600 contracts of
/// the greatest size.
const CACHE_BYTES_MAX: usize = 64 << 20;

/// Prepares code: every `0x5b` byte is a jump destination, also inside push data.
pub(crate) fn prepare(code: &Bytes) -> Bytecode {
    if code.is_empty() {
        return Bytecode::default();
    }
    let mut padded = Vec::with_capacity(code.len() + PADDING_BYTES);
    padded.extend_from_slice(code);
    padded.resize(code.len() + PADDING_BYTES, 0);
    let mut destinations = vec![0u8; code.len().div_ceil(8)];
    for (at, _) in code.iter().enumerate().filter(|&(_, &byte)| byte == 0x5b) {
        destinations[at / 8] |= 1 << (at % 8);
    }
    let table = JumpTable::from_slice(&destinations, code.len());
    // SAFETY: the padding holds the immediates of a PUSH32 at any byte of the code and a STOP after
    // them; the opcodes with other immediates are not in the instruction table.
    unsafe { Bytecode::new_analyzed(padded.into(), code.len(), table) }
}

#[derive(Default)]
struct Cache {
    codes: B256Map<Bytecode>,
    bytes: usize,
}

/// Content-addressed, so every state of the process can share it.
static CACHE: LazyLock<RwLock<Cache>> = LazyLock::new(RwLock::default);

/// The prepared code of a linear Poseidon hash.
pub(crate) fn code_of(hash: &B256, reader: &impl StateReader) -> Result<Bytecode, StateError> {
    reader.loads_code(hash)?;
    if let Ok(cache) = CACHE.read()
        && let Some(code) = cache.codes.get(hash)
    {
        return Ok(code.clone());
    }
    let code = prepare(&reader.code(hash)?);
    if let Ok(mut cache) = CACHE.write() {
        let bytes = code.len() * 2;
        if cache.bytes + bytes > CACHE_BYTES_MAX {
            *cache = Cache::default();
        }
        if cache.codes.insert(*hash, code.clone()).is_none() {
            cache.bytes += bytes;
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_data_holds_jump_destinations_and_lengths_stay() {
        let code = Bytes::from_static(&[0x60, 0x5b, 0x00, 0x5b, 0x7f]);
        let prepared = prepare(&code);
        let valid = |at| prepared.legacy_jump_table().expect("legacy code").is_valid(at);
        assert_eq!((0..8).filter(|&at| valid(at)).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(prepared.len(), 5);
        assert_eq!(prepared.original_byte_slice(), &code[..]);
        assert_eq!(prepared.bytes_ref().len(), 5 + PADDING_BYTES);
    }
}

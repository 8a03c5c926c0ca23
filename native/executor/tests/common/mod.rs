//! A small chain in memory for tests.
#![allow(dead_code, reason = "every test file uses its part")]

pub(crate) mod programs;

use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_executor::{
    BatchState, BlockExecutor, BlockParams, BlockTime, Call, CallContext, CallResult, CancelToken, GenesisAccount,
    Levels, MemoryState, RecoveredTx, Simulation, TxOutcome, TxResult,
};
use zkevm_primitives::{ForkId, ForkSpec};

pub(crate) const CHAIN_ID: u64 = 1000;
pub(crate) const SENDER: Address = Address::repeat_byte(0x51);
pub(crate) const COINBASE: Address = Address::repeat_byte(0xcb);
pub(crate) const CONTRACT: Address = Address::repeat_byte(0xc0);

pub(crate) fn spec(fork: u64) -> ForkSpec {
    ForkSpec::new(ForkId::try_from(fork).expect("supported"))
}

pub(crate) fn account(address: Address, balance: u64, code: &[u8]) -> GenesisAccount {
    GenesisAccount {
        address,
        balance: U256::from(balance),
        code: Bytes::copy_from_slice(code),
        ..GenesisAccount::default()
    }
}

/// A state with a rich sender and these accounts.
pub(crate) fn state(accounts: &[GenesisAccount]) -> MemoryState {
    let mut all = accounts.to_vec();
    all.push(account(SENDER, u64::MAX, &[]));
    MemoryState::from_genesis(&all)
}

pub(crate) fn params(spec: ForkSpec, state: &impl BatchState) -> BlockParams {
    BlockParams {
        spec,
        chain_id: CHAIN_ID,
        coinbase: COINBASE,
        previous_state_root: state.root(),
        time: BlockTime::At(1_000_000),
        l1_info: None,
        levels: Levels::at_depth(spec.profile, 0),
        counts: true,
        records_reads: true,
    }
}

pub(crate) fn open(spec: ForkSpec, state: &MemoryState) -> BlockExecutor<&MemoryState> {
    BlockExecutor::open(state, params(spec, state)).expect("opens")
}

pub(crate) fn tx(nonce: u64, to: Option<Address>, value: u64, data: &[u8]) -> L2Transaction {
    let mut tx = L2Transaction::default();
    tx.nonce = nonce;
    tx.gas_price = U256::from(10);
    tx.gas_limit = 1_000_000;
    tx.to = to;
    tx.value = U256::from(value);
    tx.data = Bytes::copy_from_slice(data);
    tx.chain_id = Some(CHAIN_ID);
    tx.effective_percentage = 255;
    tx
}

pub(crate) fn from_sender(tx: L2Transaction) -> RecoveredTx {
    RecoveredTx::with_recovery(tx, Recovery::Signer(SENDER))
}

pub(crate) fn executed(outcome: TxOutcome) -> TxResult {
    match outcome {
        TxOutcome::Executed(result) => (*result).clone(),
        other => panic!("not executed: {other:?}"),
    }
}

/// Calls [`CONTRACT`] in a fresh block.
pub(crate) fn call_contract(spec: ForkSpec, state: &MemoryState, value: u64, data: &[u8]) -> TxResult {
    let mut block = open(spec, state);
    executed(block.execute(&from_sender(tx(0, Some(CONTRACT), value, data)), None).expect("executes"))
}

pub(crate) fn context(spec: ForkSpec) -> CallContext {
    CallContext {
        spec,
        chain_id: CHAIN_ID,
        number: 1,
        timestamp: 1_000_000,
        coinbase: COINBASE,
        gas_limit: spec.block_gas_limit,
        levels: Levels::at_depth(spec.profile, 0),
        limits: None,
        cancel: CancelToken::default(),
    }
}

pub(crate) fn free_call(to: Option<Address>, data: &[u8], gas_limit: u64) -> Call {
    Call {
        from: SENDER,
        to,
        value: U256::ZERO,
        data: Bytes::copy_from_slice(data),
        gas_limit,
        gas_price: U256::ZERO,
        nonce: None,
        has_unlimited_balance: false,
        access_list: Vec::new(),
    }
}

pub(crate) fn simulate(spec: ForkSpec, state: &MemoryState, call: &Call) -> CallResult {
    Simulation::new(state, &context(spec), true).call(call).expect("executes").expect("begins")
}

pub(crate) fn word(value: u64) -> B256 {
    U256::from(value).into()
}

/// Code that returns the top of the stack.
pub(crate) const RETURN_TOP: [u8; 8] = [0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3];

/// PUSH20.
pub(crate) fn push_address(address: Address) -> Vec<u8> {
    [&[0x73], address.as_slice()].concat()
}

/// A call opcode with `gas`, no data and no return area: `[CALL|CALLCODE]` with value, others without.
pub(crate) fn call_code(opcode: u8, to: Address, value: u8, gas: u32) -> Vec<u8> {
    let mut code = vec![0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0];
    if matches!(opcode, 0xf1 | 0xf2) {
        code.extend([0x60, value]);
    }
    code.extend(push_address(to));
    code.push(0x63);
    code.extend(gas.to_be_bytes());
    code.push(opcode);
    code
}

/// CREATE2 (or CREATE) of init code of at most 32 bytes.
pub(crate) fn create_code(opcode: u8, init: &[u8], value: u8) -> Vec<u8> {
    assert!(init.len() <= 32);
    let mut code = vec![0x7f];
    code.extend(init);
    code.resize(33, 0);
    code.extend([0x60, 0, 0x52]);
    if opcode == 0xf5 {
        code.extend([0x60, 0]);
    }
    code.extend([0x60, init.len() as u8, 0x60, 0, 0x60, value, opcode]);
    code
}

//! Encodings by example and by property: decode and encode are inverse, garbage never panics.

use alloy_primitives::{Address, Bytes, U256, address, b256, hex};
use proptest::prelude::*;
use zkevm_codec::{
    BatchEncoder, BatchItem, ChangeL2Block, CodecError, L2Transaction, Recovery, SECP256K1_HALF_ORDER, SECP256K1_ORDER,
    TxSignature, decode_batch, recover_senders,
};

/// A block and a transfer of 0.1 ether on chain 1000 by `0x617b…063d`.
const BATCH: [u8; 122] = hex!(
    "0b73e6af6f00000000ee80843b9aca00830186a0944d5cf5032b2a844602278b01199ed191a86c93ff88016345785d8a0000808203e88080"
    "1cee7e01dc62f69a12c3510c6d64de04ee6346d84b6a017f3e786c7d87f963e75d8cc91fa983cd6d9cf55fff80d73bd26cd333b0f098acc1"
    "e58edb1fd484ad731bff"
);
const SENDER: Address = address!("617b3a3528F9cDd6630fd3301B9c8911F7Bf063D");

fn transfer() -> L2Transaction {
    match decode_batch(&BATCH).expect("a valid batch").swap_remove(1).item {
        BatchItem::Transaction(tx) => *tx,
        BatchItem::ChangeL2Block(_) => panic!("the second entry is a transaction"),
    }
}

#[test]
fn a_real_batch_is_read_and_written_back() {
    let items = decode_batch(&BATCH).expect("a valid batch");
    assert_eq!(items.len(), 2);
    assert_eq!((items[0].range.clone(), items[1].range.clone()), (0..9, 9..122));
    let opens = ChangeL2Block { delta_timestamp: 0x73e6_af6f, index_l1_info_tree: 0 };
    assert_eq!(items[0].item, BatchItem::ChangeL2Block(opens));
    let tx = transfer();
    assert_eq!((tx.nonce, tx.gas_limit, tx.chain_id), (0, 100_000, Some(1000)));
    assert_eq!(tx.value, U256::from(100_000_000_000_000_000u64));
    assert_eq!(tx.batch_form_bytes(), 113);
    assert_eq!(tx.recover(), Recovery::Signer(SENDER));
    let mut encoder = BatchEncoder::new();
    for item in &items {
        encoder.item(&item.item);
    }
    assert_eq!(encoder.as_bytes(), BATCH);
}

#[test]
fn the_signed_form_keeps_everything_and_hashes_the_same() {
    let tx = transfer();
    let raw = tx.encode_signed();
    let back = L2Transaction::decode_signed(&raw).expect("a valid transaction");
    assert_eq!(back, tx);
    assert_eq!(back.hash(), tx.hash());
    assert_eq!(tx.signed_v(), U256::from(1000 * 2 + 35));
    let mut without_chain = tx;
    without_chain.chain_id = None;
    assert_eq!(without_chain.signed_v(), U256::from(27));
    assert_eq!(L2Transaction::decode_signed(&without_chain.encode_signed()), Ok(without_chain));
}

#[test]
fn the_l2_hash_covers_type_destination_chain_and_sender() {
    let tx = transfer();
    let preimage = tx.l2_hash_preimage(SENDER);
    assert_eq!(preimage.len(), 1 + 8 + 32 + 8 + 21 + 32 + 3 + 8 + 20);
    assert_eq!((preimage[0], &preimage[49..70]), (1, &[&[0], tx.to.expect("a call").as_slice()].concat()[..]));
    assert!(preimage.ends_with(SENDER.as_slice()));
    let mut deployment = tx;
    (deployment.to, deployment.chain_id) = (None, None);
    let preimage = deployment.l2_hash_preimage(SENDER);
    assert_eq!((preimage.len(), preimage[0], preimage[49]), (1 + 8 + 32 + 8 + 1 + 32 + 3 + 20, 0, 1));
}

#[test]
fn the_draft_of_the_l2_hash_takes_the_shortest_integers() {
    let tx = transfer();
    let preimage = tx.l2_hash_preimage_shortest(SENDER);
    let mut expected = vec![0];
    for value in [tx.gas_price, U256::from(tx.gas_limit)] {
        expected.extend_from_slice(&value.to_be_bytes_trimmed_vec());
    }
    expected.extend_from_slice(tx.to.expect("a call").as_slice());
    expected.extend_from_slice(&tx.value.to_be_bytes_trimmed_vec());
    expected.extend_from_slice(SENDER.as_slice());
    assert_eq!(tx.nonce, 0, "zero takes a byte");
    assert_eq!(preimage, expected);
}

#[test]
fn effective_gas_price_needs_more_than_256_bits() {
    let price = |gas_price, effective_percentage| {
        let mut tx = L2Transaction::default();
        (tx.gas_price, tx.effective_percentage) = (gas_price, effective_percentage);
        tx.effective_gas_price()
    };
    assert_eq!(price(U256::MAX, 255), U256::MAX);
    assert_eq!(price(U256::MAX, 127), U256::MAX >> 1);
    assert_eq!(price(U256::from(1000), 0), U256::from(3));
    assert_eq!(price(U256::from(255), 0), U256::ZERO);
    assert_eq!(price(U256::from(511), 254), U256::from(511 * 255 / 256));
}

#[test]
fn a_literal_zero_byte_is_the_integer_zero_and_stays_what_was_signed() {
    // As the transfer's list, with the nonce written 0x00.
    let mut bytes = BATCH[9..].to_vec();
    bytes[1] = 0;
    let (tx, length) = L2Transaction::decode_batch_form(&bytes).expect("accepted");
    assert_eq!((tx.nonce, length), (0, bytes.len()));
    assert_ne!(tx.signing_hash(), transfer().signing_hash());
    let mut back = Vec::new();
    tx.encode_batch_form(&mut back);
    assert_eq!(back, bytes);
    assert_eq!(tx.batch_form_bytes(), bytes.len());
}

#[test]
fn each_broken_rule_is_named() {
    let list = |fields: &[u8]| {
        let mut bytes = vec![0xc0 + fields.len() as u8];
        bytes.extend_from_slice(fields);
        bytes.resize(bytes.len() + 66, 1);
        L2Transaction::decode_batch_form(&bytes).map(|(tx, _)| tx.nonce)
    };
    let integer = |field| Err(CodecError::InvalidInteger { field });
    assert_eq!(list(&hex!("05 80 80 80 80 80")), Ok(5));
    assert_eq!(list(&hex!("81 05 80 80 80 80 80")), integer("nonce"));
    assert_eq!(list(&hex!("82 00 ff 80 80 80 80 80")), integer("nonce"));
    assert_eq!(list(&hex!("89 010203040506070809 80 80 80 80 80")), integer("nonce"));
    assert_eq!(list(&hex!("80 80 80 81 80 80 80")), Err(CodecError::InvalidRecipient));
    assert_eq!(list(&hex!("80 80 80 80 80 81 05")), Err(CodecError::InvalidData));
    assert_eq!(list(&hex!("80 80 80 80 80 b8 01 05")), Err(CodecError::InvalidData));
    assert_eq!(list(&hex!("80 80 80 80 80 bb 00 00 00")), Err(CodecError::InvalidData));
    assert_eq!(list(&hex!("80 80 80 80 80 80 05 80 81")), Err(CodecError::InvalidChainIdSuffix));
    assert_eq!(list(&hex!("80 80 80 80 80 80 05 80 80 80")), Err(CodecError::ListLengthMismatch));
    assert_eq!(list(&hex!("80 80 80 80 80")), Err(CodecError::ListLengthMismatch));
    assert_eq!(L2Transaction::decode_batch_form(&[0xc0]), Err(CodecError::InvalidListHeader));
    assert_eq!(L2Transaction::decode_batch_form(&[0xfb, 1]), Err(CodecError::InvalidListHeader));
    assert_eq!(L2Transaction::decode_batch_form(&[0xf8, 0x37]), Err(CodecError::InvalidListHeader));
    assert_eq!(L2Transaction::decode_batch_form(&BATCH[9..121]), Err(CodecError::Truncated));
    assert_eq!(decode_batch(&BATCH[..8]).expect_err("truncated").error, CodecError::Truncated);
    assert_eq!(L2Transaction::decode_signed(&[2, 0xc0]), Err(CodecError::UnsupportedTransactionType(2)));
    assert_eq!(L2Transaction::decode_signed(&[]), Err(CodecError::Truncated));
    let trailing = [transfer().encode_signed(), vec![0]].concat();
    assert_eq!(L2Transaction::decode_signed(&trailing), Err(CodecError::TrailingBytes));
}

#[test]
fn signatures_out_of_range_or_without_point_recover_nobody() {
    let tx = transfer();
    let with = |change: &dyn Fn(&mut TxSignature)| {
        let mut tx = tx.clone();
        change(&mut tx.signature);
        tx.recover()
    };
    for v in [0, 1, 26, 29] {
        assert_eq!(with(&|signature| signature.v = v), Recovery::OutOfRange, "v = {v}");
    }
    assert_eq!(with(&|signature| signature.r = U256::ZERO), Recovery::OutOfRange);
    assert_eq!(with(&|signature| signature.r = SECP256K1_ORDER), Recovery::OutOfRange);
    assert_eq!(with(&|signature| signature.s = U256::ZERO), Recovery::OutOfRange);
    assert_eq!(with(&|signature| signature.s = SECP256K1_HALF_ORDER + U256::ONE), Recovery::OutOfRange);
    assert_eq!(SECP256K1_HALF_ORDER, SECP256K1_ORDER >> 1);
    // 5³ + 7 is no square modulo the field prime.
    assert_eq!(with(&|signature| signature.r = U256::from(5)), Recovery::NoRoot);
    // The same point with the other parity has another key.
    let other = with(&|signature| signature.v = 28);
    assert!(matches!(other, Recovery::Signer(signer) if signer != SENDER));
    // The injected batch's made-up signature.
    let injected = TxSignature { r: U256::from(0x5_ca1a_b1e0_u64), s: U256::from(0x5ca1_ab1e_u64), v: 27 };
    assert!(matches!(with(&|signature| *signature = injected), Recovery::Signer(_)));
    assert_ne!(tx.signing_hash(), b256!("0000000000000000000000000000000000000000000000000000000000000000"));
}

#[test]
fn many_senders_come_back_in_order_on_any_number_of_threads() {
    let transactions: Vec<L2Transaction> = (0..100)
        .map(|index| {
            let mut tx = transfer();
            // Signers differ with what they would have signed.
            tx.nonce = index;
            tx
        })
        .collect();
    let references: Vec<&L2Transaction> = transactions.iter().collect();
    let expected: Vec<Recovery> = transactions.iter().map(L2Transaction::recover).collect();
    for threads in [0, 1, 2, 3, 64] {
        assert_eq!(recover_senders(&references, threads), expected, "{threads} threads");
    }
    assert!(recover_senders(&[], 4).is_empty());
}

prop_compose! {
    fn any_word()(bytes in any::<[u8; 32]>(), shift in 0usize..=256) -> U256 {
        U256::from_be_bytes(bytes).checked_shr(shift).unwrap_or_default()
    }
}

prop_compose! {
    fn any_transaction()(
        nonce in any::<u64>(),
        nonce_shift in 0u32..64,
        gas_price in any_word(),
        gas_limit in any::<u64>(),
        to in proptest::option::of(any::<[u8; 20]>()),
        value in any_word(),
        data in proptest::collection::vec(any::<u8>(), 0..300),
        chain_id in proptest::option::of(any::<u64>()),
        (r, s) in (any_word(), any_word()),
        v in 27u8..=28,
        effective_percentage in any::<u8>(),
    ) -> L2Transaction {
        let mut tx = L2Transaction::default();
        tx.nonce = nonce >> nonce_shift;
        tx.gas_price = gas_price;
        tx.gas_limit = gas_limit;
        tx.to = to.map(Address::from);
        tx.value = value;
        tx.data = Bytes::from(data);
        tx.chain_id = chain_id;
        tx.signature = TxSignature { r, s, v };
        tx.effective_percentage = effective_percentage;
        tx
    }
}

fn any_item() -> impl Strategy<Value = BatchItem> {
    prop_oneof![
        1 => any::<(u32, u32)>().prop_map(|(delta_timestamp, index_l1_info_tree)| {
            BatchItem::ChangeL2Block(ChangeL2Block { delta_timestamp, index_l1_info_tree })
        }),
        4 => any_transaction().prop_map(|tx| BatchItem::Transaction(Box::new(tx))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn decoding_inverts_encoding(items in proptest::collection::vec(any_item(), 0..12)) {
        let mut encoder = BatchEncoder::new();
        for item in &items {
            encoder.item(item);
        }
        let decoded = decode_batch(encoder.as_bytes()).expect("what was encoded can be decoded");
        let ranges: Vec<usize> = decoded.iter().map(|item| item.range.end).collect();
        prop_assert_eq!(ranges.last().copied().unwrap_or(0), encoder.as_bytes().len());
        let decoded: Vec<BatchItem> = decoded.into_iter().map(|item| item.item).collect();
        prop_assert_eq!(decoded, items);
    }

    #[test]
    fn the_signed_form_inverts(mut tx in any_transaction()) {
        tx.effective_percentage = 255;
        prop_assert_eq!(L2Transaction::decode_signed(&tx.encode_signed()), Ok(tx));
    }

    #[test]
    fn encoding_inverts_decoding_of_mutated_batches(
        items in proptest::collection::vec(any_item(), 1..4),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut encoder = BatchEncoder::new();
        for item in &items {
            encoder.item(item);
        }
        let mut bytes = encoder.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let items = match decode_batch(&bytes) {
            Ok(items) => items,
            Err(failure) => {
                prop_assert!(failure.offset <= bytes.len());
                bytes.truncate(failure.offset);
                failure.before
            }
        };
        let mut encoder = BatchEncoder::new();
        for item in &items {
            encoder.item(&item.item);
        }
        prop_assert_eq!(encoder.into_bytes(), bytes);
    }

    #[test]
    fn garbage_is_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_batch(&bytes);
        let _ = L2Transaction::decode_signed(&bytes);
    }
}

#[test]
fn the_greatest_batch_of_garbage_is_refused_at_once() {
    for byte in [0x0b, 0x00, 0xc1, 0xf8, 0xff] {
        let bytes = vec![byte; zkevm_primitives::BATCH_L2_DATA_MAX_BYTES];
        let started = std::time::Instant::now();
        let decoded = decode_batch(&bytes);
        assert!(started.elapsed().as_secs() < 60, "{byte:#04x} took {:?}", started.elapsed());
        if byte != 0x0b {
            assert!(decoded.is_err(), "{byte:#04x}");
        }
    }
}

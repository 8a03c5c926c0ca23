use super::*;
use zkevm_state_tree::MemoryTree;

fn vectors() -> Option<std::path::PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let path = std::path::PathBuf::from(std::env::var("ZKEVM_VECTORS").unwrap_or_else(|_| default.to_owned()));
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no vectors at {} (set ZKEVM_VECTORS)", path.display());
    None
}

#[test]
fn public_genesis_files_have_their_stated_roots() {
    let Some(vectors) = vectors() else { return };
    for name in ["etrog-dev-genesis.json", "zkevm-mainnet-genesis.json"] {
        let text = std::fs::read_to_string(vectors.join("genesis").join(name)).unwrap();
        let genesis = Genesis::parse(&text).unwrap();
        let root = MemoryTree::from_leaves(genesis.leaves()).root().to_b256();
        assert_eq!(Some(root), genesis.stated_root, "{name}");
        genesis.check_root(root).unwrap();
        assert_eq!(genesis.check_root(B256::ZERO).unwrap_err().code(), "GENESIS_ROOT_MISMATCH", "{name}");
    }
}

#[test]
fn broken_files_are_refused_by_field() {
    for (json, part) in [
        ("{", "EOF"),
        ("{}", "genesis"),
        (r#"{"genesis":[{"address":"0x12"}]}"#, "invalid"),
        (r#"{"genesis":[{"address":"0x0000000000000000000000000000000000000001","balance":"x"}]}"#, "balance of"),
        (
            r#"{"genesis":[{"address":"0x0000000000000000000000000000000000000001","nonce":"0x10000000000000000"}]}"#,
            "64 bits",
        ),
    ] {
        let error = Genesis::parse(json).unwrap_err();
        assert_eq!(error.code(), "GENESIS_INVALID", "{json}");
        assert!(error.to_string().contains(part), "{json}: {error}");
    }
}

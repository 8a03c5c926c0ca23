//! Where the public vectors are.

use std::path::PathBuf;

/// The file or folder of the vectors, or `None` with a loud notice when they are not there.
pub(crate) fn vectors(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ZKEVM_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no vectors at {} (set ZKEVM_VECTORS)", path.display());
    None
}

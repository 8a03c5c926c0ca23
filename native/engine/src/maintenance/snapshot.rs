//! Copies of a database: made in one moment, also while a node runs on it, and brought back only after a check.
//!
//! A snapshot is the folder of a RocksDB checkpoint with `snapshot.json`, which is written last: a folder without it is no snapshot. Both
//! snapshot and restore work in a folder beside the target and rename it at the end, so that a target exists as a whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use zkevm_state_db::Store;

use super::Database;
use super::progress::Progress;
use super::verify::VerifyReport;
use crate::error::{EngineError, EngineResult};

const MANIFEST: &str = "snapshot.json";
const MANIFEST_VERSION: u32 = 1;

/// What a snapshot says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    version: u32,
    format: u32,
    chain_id: u64,
    fork_id: u64,
    genesis_root: B256,
    block: u64,
    block_hash: B256,
    state_root: B256,
    closed_batch: u64,
    files: Vec<ManifestFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ManifestFile {
    name: String,
    bytes: u64,
}

/// A snapshot that was made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotReport {
    /// Its folder.
    pub path: PathBuf,
    /// Newest block in it.
    pub block: u64,
    /// Header hash of that block.
    pub block_hash: B256,
    /// State root of that block.
    pub state_root: B256,
    /// Bytes of its files; those of table files are shared with the database where the file system can.
    pub bytes: u64,
}

/// A database that was made from a snapshot.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// Its folder; nothing is there when the check found a difference.
    pub path: PathBuf,
    /// Newest block.
    pub block: u64,
    /// State root of that block.
    pub state_root: B256,
    /// Bytes copied.
    pub bytes: u64,
    /// What the check found.
    pub verified: VerifyReport,
}

/// Copies `store` to `folder`, which must not exist; its parent must.
///
/// # Errors
/// `SNAPSHOT_EXISTS`, `SNAPSHOT_IO`, and those of the store.
pub fn snapshot(store: &Store, folder: &Path) -> EngineResult<SnapshotReport> {
    refuse_existing(folder)?;
    let partial = Partial::beside(folder, "partial")?;
    store.checkpoint(&partial.path)?;
    let identity = Store::identify(&partial.path)?;
    let files = files_of(&partial.path)?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    let (chain, head) = (identity.chain, identity.head);
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        format: identity.format,
        chain_id: chain.chain_id,
        fork_id: chain.fork_id,
        genesis_root: chain.genesis_root,
        block: head.block,
        block_hash: head.block_hash,
        state_root: head.state_root,
        closed_batch: head.closed_batch,
        files,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| EngineError::Panic(error.to_string()))?;
    write_synced(&partial.path.join(MANIFEST), text.as_bytes()).map_err(|error| io_error(folder, &error))?;
    partial.finish(folder)?;
    Ok(SnapshotReport {
        path: folder.to_path_buf(),
        block: head.block,
        block_hash: head.block_hash,
        state_root: head.state_root,
        bytes,
    })
}

/// Makes the database `target` from the snapshot `from`. The copy is checked before it takes its place; `target` must not exist, or be empty.
///
/// # Errors
/// `SNAPSHOT_INVALID` when it is none or is not complete, `SNAPSHOT_EXISTS` when there is something at the target, `SNAPSHOT_IO`.
pub fn restore(
    from: &Path,
    target: &Path,
    cache_bytes: usize,
    progress: &Arc<Progress>,
) -> EngineResult<RestoreReport> {
    refuse_existing(target)?;
    let manifest = read_manifest(from)?;
    let partial = Partial::beside(target, "restoring")?;
    fs::create_dir(&partial.path).map_err(|error| io_error(&partial.path, &error))?;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    progress.begin("copy", bytes);
    for file in &manifest.files {
        let copied = copy_synced(&from.join(&file.name), &partial.path.join(&file.name));
        progress.add(copied.map_err(|error| io_error(from, &error))?);
    }
    let verified = {
        let database = Database::open(&partial.path, cache_bytes, Arc::clone(progress))?;
        let verified = database.verify()?;
        check_identity(&manifest, &verified)?;
        database.store().flush()?;
        verified
    };
    if verified.ok {
        partial.finish(target)?;
    }
    Ok(RestoreReport {
        path: target.to_path_buf(),
        block: manifest.block,
        state_root: manifest.state_root,
        bytes,
        verified,
    })
}

fn check_identity(manifest: &Manifest, verified: &VerifyReport) -> EngineResult<()> {
    let found = (verified.checked.head_block, verified.checked.state_root);
    if verified.ok && found != (manifest.block, manifest.state_root) {
        let text = format!("it says block {}, the database in it has block {}", manifest.block, found.0);
        return Err(EngineError::SnapshotInvalid(text));
    }
    Ok(())
}

fn read_manifest(from: &Path) -> EngineResult<Manifest> {
    let invalid = |what: String| EngineError::SnapshotInvalid(format!("{}: {what}", from.display()));
    let text = fs::read_to_string(from.join(MANIFEST)).map_err(|error| invalid(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| invalid(format!("{MANIFEST}: {error}")))?;
    if manifest.version != MANIFEST_VERSION {
        return Err(invalid(format!("version {} of {MANIFEST} is not known", manifest.version)));
    }
    for file in &manifest.files {
        // A name is a name: nothing outside of the two folders is read or written.
        if Path::new(&file.name).file_name() != Some(file.name.as_ref()) {
            return Err(invalid(format!("{:?} is no file name", file.name)));
        }
        let found = fs::metadata(from.join(&file.name)).map_err(|error| invalid(format!("{}: {error}", file.name)))?;
        if found.len() != file.bytes {
            return Err(invalid(format!("{} has {} bytes instead of {}", file.name, found.len(), file.bytes)));
        }
    }
    Ok(manifest)
}

/// The database's files; RocksDB's own log of events is none.
fn files_of(folder: &Path) -> EngineResult<Vec<ManifestFile>> {
    let read = || -> io::Result<Vec<ManifestFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with("LOG") && name != "LOCK" && entry.file_type()?.is_file() {
                files.push(ManifestFile { name, bytes: entry.metadata()?.len() });
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    };
    read().map_err(|error| io_error(folder, &error))
}

fn refuse_existing(folder: &Path) -> EngineResult<()> {
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if is_free { Ok(()) } else { Err(EngineError::SnapshotExists(folder.display().to_string())) }
}

/// A folder in the making beside the one that it becomes; it goes away when that fails.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn beside(target: &Path, state: &str) -> EngineResult<Self> {
        let name = target.file_name().ok_or_else(|| EngineError::invalid_argument("the target needs a name"))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{state}"));
        let path = target.with_file_name(hidden);
        // What an interrupted run left behind is worth nothing.
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&path, &error)),
            _ => {}
        }
        Ok(Self { path })
    }

    /// Gives the folder its name, for good.
    fn finish(self, target: &Path) -> EngineResult<()> {
        let rename = || -> io::Result<()> {
            File::open(&self.path)?.sync_all()?;
            // Replaces an empty folder, and fails on any other.
            fs::rename(&self.path, target)?;
            let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
        };
        rename().map_err(|error| io_error(target, &error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone after `finish`; otherwise the failure that is under way matters more than what is left of this.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn copy_synced(from: &Path, to: &Path) -> io::Result<u64> {
    let copied = fs::copy(from, to)?;
    File::options().write(true).open(to)?.sync_all()?;
    Ok(copied)
}

fn io_error(path: &Path, error: &io::Error) -> EngineError {
    EngineError::SnapshotIo(format!("{}: {error}", path.display()))
}

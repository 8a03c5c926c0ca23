use super::*;

fn options(path: &Path) -> StoreOptions {
    StoreOptions { path: path.to_path_buf(), block_cache_bytes: 1 << 20, sync_writes: true }
}

#[test]
fn a_value_written_is_read_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(&options(dir.path())).unwrap();
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::CODE, b"k", b"v").unwrap();
        store.write(batch).unwrap();
    }
    let store = Store::open(&options(dir.path())).unwrap();
    assert_eq!(store.get(schema::CODE, b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_second_opening_is_refused_as_locked() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::open(&options(dir.path())).unwrap();
    assert_eq!(Store::open(&options(dir.path())).unwrap_err().code(), "DATA_DIR_LOCKED");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(&options(dir.path())).unwrap();
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::META, meta::FORMAT, &(FORMAT_VERSION + 1).to_be_bytes()).unwrap();
        store.write(batch).unwrap();
    }
    let error = Store::open(&options(dir.path())).unwrap_err();
    assert_eq!(error.code(), "DATA_DIR_FORMAT_NEWER");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_unwritable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("db");
    std::fs::write(&file, b"").unwrap();
    assert_eq!(Store::open(&options(&file)).unwrap_err().code(), "DATA_DIR_UNWRITABLE");
}

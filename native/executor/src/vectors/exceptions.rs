//! What no implementation can reproduce, by name and with the reason.

/// A field of a vector that cannot be reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Folder of the vector, or empty for any.
    folder: &'static str,
    /// Start of the name within the folder.
    prefix: &'static str,
    /// The field.
    field: &'static str,
    /// Why.
    pub reason: &'static str,
}

const OUT_OF_COUNTERS: &str =
    "the prover ran out of counters; virtual counters are an upper estimate and cannot decide it";
const STALE: &str = "its batchL2Data is a left-over of another case";
const LEVEL: &str = "genesis accounts with nonce 0 probed deeper than the recorded tree shows (batch level 17, not 16)";

const fn exception_of(
    folder: &'static str,
    prefix: &'static str,
    field: &'static str,
    reason: &'static str,
) -> Exception {
    Exception { folder, prefix, field, reason }
}

/// The table.
const EXCEPTIONS: &[Exception] = &[
    exception_of("calldata", "ooc_0.json", "stateRoot", OUT_OF_COUNTERS),
    exception_of("calldata", "ooc_1.json", "stateRoot", OUT_OF_COUNTERS),
    exception_of("calldata", "ooc_2.json", "stateRoot", OUT_OF_COUNTERS),
    exception_of("calldata", "test-length-data_1.json", "stateRoot", OUT_OF_COUNTERS),
    exception_of("rlp-error", "", "counters", "the recorded counters are placeholders, the same in all these files"),
    exception_of("", "underflowTest_", "counters", LEVEL),
    exception_of("", "state-transition-processor-forkid13.json#4", "stateRoot", STALE),
    exception_of("", "state-transition-processor-forkid13.json#4", "accInputHash", STALE),
    exception_of("", "state-transition-processor-forkid13.json#4", "counters", STALE),
];

/// The exception for a field of a vector, if there is one.
#[must_use]
pub fn exception(name: &str, field: &str) -> Option<Exception> {
    let mut parts = name.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let in_folder = |folder: &str| folder.is_empty() || name.split('/').any(|part| part == folder);
    EXCEPTIONS.iter().find(|e| e.field == field && file.starts_with(e.prefix) && in_folder(e.folder)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_narrow() {
        assert!(exception("calldata/ooc_0.json", "stateRoot").is_some());
        assert!(exception("calldata/ooc_0.json", "counters").is_none());
        assert!(exception("rlp-error/test-length-data_1.json", "stateRoot").is_none());
        assert!(exception("rlp-error/rlp-short-nonce.json", "counters").is_some());
        assert!(exception("calldata/ooc_3.json", "stateRoot").is_none());
    }
}

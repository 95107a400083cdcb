//! Proof files: every changed or missing byte is found.

use std::sync::OnceLock;

use hotloop_plonky2::{prove, verify_file, Backend, ProofFile, ProofFileError, Statement};
use proptest::prelude::*;

fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let statement = Statement::new("fibonacci", None, 4).expect("a statement");
        prove(&Backend::Cpu, statement).expect("a proof").file.to_bytes()
    })
}

fn outcome(bytes: &[u8]) -> Result<(), ProofFileError> {
    ProofFile::from_bytes(bytes)?.verify()
}

#[test]
fn a_file_is_read_back() {
    let file = ProofFile::from_bytes(file()).expect("parsed");
    assert_eq!(file.to_bytes(), self::file());
    file.verify().expect("valid");
    assert_eq!(file.public_inputs()[..2], [0, 1]);
    assert_eq!((file.statement().air(), file.statement().log_rows()), ("fibonacci", 4));
    let path = std::env::temp_dir().join(format!("hotloop-proof-{}.bin", std::process::id()));
    std::fs::write(&path, self::file()).expect("written");
    verify_file(&path).expect("valid");
    std::fs::remove_file(&path).expect("removed");
    assert!(matches!(verify_file(&path), Err(ProofFileError::Read { .. })));
}

/// The whole header, one byte at a time, and the ends.
#[test]
fn changed_headers_and_cut_files_are_refused() {
    for i in 0..96 {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = file().to_vec();
            bytes[i] ^= flip;
            assert!(outcome(&bytes).is_err(), "byte {i} ^ {flip:#x}");
        }
    }
    for length in (0..128).chain(file().len() - 128..file().len()) {
        assert!(matches!(outcome(&file()[..length]), Err(ProofFileError::NotParsed(_))), "{length} bytes");
    }
    let mut longer = file().to_vec();
    longer.push(0);
    assert!(matches!(outcome(&longer), Err(ProofFileError::NotParsed(_))));
    // The same element in another form: x + p where it fits in 64 bits.
    let start = file().len() - 8;
    let witness = u64::from_le_bytes(file()[start..].try_into().expect("8 bytes"));
    let mut other = file().to_vec();
    other[start..].copy_from_slice(&(witness + 0xffff_ffff_0000_0001).to_le_bytes());
    assert!(matches!(outcome(&other), Err(ProofFileError::NotParsed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_found(at in 0..file().len(), flip in 1u8..) {
        let mut bytes = file().to_vec();
        bytes[at] ^= flip;
        prop_assert!(outcome(&bytes).is_err());
    }

    #[test]
    fn missing_bytes_are_found(at in 0..file().len()) {
        let mut bytes = file().to_vec();
        bytes.remove(at);
        prop_assert!(matches!(outcome(&bytes), Err(ProofFileError::NotParsed(_))));
    }

    #[test]
    fn noise_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), keep in 0usize..60) {
        let mut noise = file()[..keep].to_vec();
        noise.extend(bytes);
        prop_assert!(outcome(&noise).is_err());
    }
}

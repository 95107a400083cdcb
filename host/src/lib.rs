//! Devices and jobs: takes low-degree extension, Merkle hashing and grinding off a prover.

//! Plonky3 and Miden on a Hotloop board.

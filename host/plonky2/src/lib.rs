//! plonky2 and starky on a Hotloop board.

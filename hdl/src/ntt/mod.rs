//! The transform engine.

use crate::sets::SetTables;

/// Twiddle tables for w of order 2^`max_log`: low factors w^0 … w^127, then high factors w^(128·i).
pub fn twiddle_tables(set: &SetTables, max_log: u32) -> (Vec<u64>, Vec<u64>) {
    let root = set.root(max_log);
    let low = (0..128).map(|e| set.field.pow(root, e)).collect();
    let high = (0..1u64 << (max_log - 7)).map(|e| set.field.pow(root, 128 * e)).collect();
    (low, high)
}

//! Errors through code whose functions return none.

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

/// Runs `f`, and gives what it gave, or the first error of type `E` that something in it raised by
/// [`std::panic::panic_any`]: the stack up to here is unwound, so this needs `panic = "unwind"`. Any other panic goes on.
///
/// # Errors
/// The one that was raised.
pub fn catch_raised<T, E: 'static>(f: impl FnOnce() -> T) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| match payload.downcast::<E>() {
        Ok(error) => *error,
        Err(payload) => resume_unwind(payload),
    })
}

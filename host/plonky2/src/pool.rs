//! One thread for provers whose result must not depend on the number of threads.

use crate::error::{ProveError, Result};

/// Runs `f` in a rayon pool of one thread.
pub(crate) fn in_one_thread<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|error| ProveError::Thread(error.to_string()))?;
    Ok(pool.install(f))
}

//! Stamps: a model whose inputs did not change is not built again.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use crate::Error;

/// A file that says what a library was built from.
pub(crate) struct Stamp {
    file: PathBuf,
    text: String,
}

impl Stamp {
    /// The stamp in `dir` for a library built from `inputs`.
    pub fn new(dir: &Path, inputs: impl Hash) -> Stamp {
        let mut hasher = DefaultHasher::new();
        inputs.hash(&mut hasher);
        Stamp { file: dir.join("stamp"), text: format!("{:016x}\n", hasher.finish()) }
    }

    /// The library was built, and from just this.
    pub fn holds(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|found| found == self.text)
    }

    /// Written last, so that a build that was interrupted is done again.
    pub fn write(&self) -> Result<(), Error> {
        write(&self.file, &self.text)
    }
}

/// Writes a file; the error says which.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// An empty folder.
pub(crate) fn fresh(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    if path.exists() {
        fs::remove_dir_all(path).map_err(failed)?;
    }
    fs::create_dir_all(path).map_err(failed)
}

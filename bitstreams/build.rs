//! Lists the files of `boards/`, so that adding a board is adding a file.

use std::{env, fmt::Write, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=boards");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("boards");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("the crate has a folder boards")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        let name = path.file_name().expect("a file has a name").to_string_lossy();
        writeln!(list, "({name:?}, include_str!({path:?})),").expect("a String takes it");
    }
    list.push(']');
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("boards.rs");
    fs::write(out, list).expect("cargo's folder is writable");
}

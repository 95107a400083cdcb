//! What tests of flashing need: stock openFPGALoader, and small images for an LFE5UM5G-85F.
//!
//! Both are had as the first test runs and are kept under the target folder: openFPGALoader from `PATH` or, unpacked and
//! without root, from this machine's Debian; images by the open flow (`images.sh`).

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use hotloop_guest::machine::{Bundle, Done};

/// User codes of the images: what the part says it holds.
pub const ONE: u32 = 0x1000_0001;
/// Of `two.bit`.
pub const TWO: u32 = 0x1000_0002;
/// Of `golden.bit`.
pub const GOLDEN: u32 = 0x601d_e000;
/// Where [`Bench::flash`] has the golden image.
pub const GOLDEN_OFFSET: usize = 0x80_0000;
/// IDCODE of the part that the images are for.
pub const IDCODE: u32 = 0x8111_3043;

/// The tool and the images.
pub struct Bench {
    /// A folder with an executable `openFPGALoader`, for `PATH`.
    pub tools: PathBuf,
    /// The folder with the images.
    pub images: PathBuf,
}

impl Bench {
    /// Gets both, with `build` for what is kept (`CARGO_TARGET_TMPDIR`). Where they cannot be had, `None` and a word about
    /// it; a panic where `CI` is set.
    pub fn get(build: &str) -> Option<Bench> {
        let build = Path::new(build);
        let bench = tools(build).and_then(|tools| Ok(Bench { tools, images: images(build)? }));
        Bundle::or_skip(bench)
    }

    /// The bytes of an image.
    pub fn image(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.images.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Contents of a flash with a golden image: where, and what. The last page is the jump that the part takes when the
    /// image at address 0 is not good (Lattice FPGA-TN-02203; the form is that of Project Trellis's ecpmulti).
    pub fn flash(&self) -> [(usize, Vec<u8>); 2] {
        let mut jump = vec![0xff; 16];
        jump.extend([0xff, 0xff, 0xbd, 0xb3, 0xff, 0xff, 0xff, 0xff]);
        jump.extend([0x22, 0, 0, 0, 0, 0, 0, 0]);
        let address = (GOLDEN_OFFSET as u32).to_be_bytes();
        jump.extend([0x7e, 0, 0, 0, 0x03, address[1], address[2], address[3]]);
        [(GOLDEN_OFFSET, self.image("golden.bit")), ((16 << 20) - 256, jump)]
    }
}

fn tools(build: &Path) -> Done<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(|folder| folder.join("openFPGALoader").is_file()) {
        return Ok(folder);
    }
    let bundle = Bundle::fetch(&build.join("flash-tools"), "stock", &["openfpgaloader"])?;
    let program = bundle.find("openFPGALoader").ok_or("no openFPGALoader in its package")?;
    let loader = bundle.loader()?;
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy());
    let mut script = format!("#!/bin/sh\nexec {}", quoted(loader.get_program()));
    loader.get_args().for_each(|word| script += &format!(" {}", quoted(word)));
    script += &format!(" {} \"$@\"\n", quoted(program.as_os_str()));
    // Beside its place first: another test may be running it.
    let folder = build.join("flash-bin");
    let text = |e: std::io::Error| format!("{}: {e}", folder.display());
    std::fs::create_dir_all(&folder).map_err(text)?;
    let partial = folder.join(format!(".partial-{}-{:?}", std::process::id(), std::thread::current().id()));
    let options = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o755).open(&partial);
    options.and_then(|mut file| file.write_all(script.as_bytes())).map_err(text)?;
    std::fs::rename(&partial, folder.join("openFPGALoader")).map_err(text)?;
    Ok(folder)
}

fn images(build: &Path) -> Done<PathBuf> {
    let folder = build.join("flash-images");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("images.sh");
    let output = Command::new(script).arg(&folder).output().map_err(|e| format!("images.sh: {e}"))?;
    match output.status.code() {
        Some(0) => Ok(folder),
        // Tools that cannot be had; all else is a failure of the flow.
        Some(3) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        _ => panic!("images.sh failed:\n{}", String::from_utf8_lossy(&output.stderr)),
    }
}

//! `hotloop bitstream keygen` and `sign`.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use hotloop_boards::{hex, manifest::Manifest, sign};
use serde_json::json;

use crate::output::{write_file, Failure, Output};

/// Where the key goes.
#[derive(Args)]
pub struct KeygenArgs {
    /// New file for the secret key; only its owner can read it.
    #[arg(long)]
    out: PathBuf,
}

/// Makes a key: the secret one into a file, the public one to standard output.
pub fn keygen(args: &KeygenArgs, output: &Output) -> Result<ExitCode, Failure> {
    let mut secret = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut secret))
        .map_err(|e| Failure::message(format!("/dev/urandom: {e}")))?;
    let fail = |e: std::io::Error| Failure::message(format!("cannot write {}: {e}", args.out.display()));
    // A key that is there already is never replaced.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&args.out).map_err(fail)?;
    writeln!(file, "{}", hex::text(&secret)).map_err(fail)?;
    let public = sign::public(&secret);
    let object = json!({ "secret_key_file": args.out, "public_key": public });
    let lines =
        [format!("secret key in {}; the line for files of trusted keys:", args.out.display()), public.to_string()];
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// What to sign, and with what.
#[derive(Args)]
pub struct SignArgs {
    /// The manifest; it is replaced by the signed one.
    manifest: PathBuf,
    /// File of the secret key.
    #[arg(long)]
    key: PathBuf,
}

/// Signs a manifest.
pub fn sign(args: &SignArgs, output: &Output) -> Result<ExitCode, Failure> {
    let mut manifest = Manifest::load(&args.manifest).map_err(Failure::new)?;
    let fail = |e: &dyn std::fmt::Display| Failure::message(format!("{}: {e}", args.key.display()));
    let text = std::fs::read_to_string(&args.key).map_err(|e| fail(&e))?;
    let secret = hex::bytes::<32>(text.trim())
        .ok_or_else(|| fail(&"not a key: expected 64 hexadecimal digits, as `hotloop bitstream keygen` writes them"))?;
    sign::sign(&mut manifest, &secret).map_err(Failure::new)?;
    write_file(&args.manifest, manifest.to_json().map_err(Failure::new)?.as_bytes())?;
    let public = sign::public(&secret);
    output.result(
        &json!({ "manifest": args.manifest, "public_key": public }),
        &[format!("{} is signed by {public}", args.manifest.display())],
    )?;
    Ok(ExitCode::SUCCESS)
}

//! Signatures over manifests: ed25519 (RFC 8032).

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::{
    hex::{Sha, Signed},
    manifest::{Manifest, ManifestError},
};

/// Stands before what is signed, so that a signature says nothing about any other kind of text.
const DOMAIN: &[u8] = b"hotloop manifest 1\0";

/// A signature with the key it is checked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Public key.
    pub key: Sha,
    /// The signature over the manifest's canonical bytes.
    pub value: Signed,
}

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// There is none.
    Unsigned,
    /// It is not over this manifest: something was changed.
    Broken,
    /// It is right, by a key that is not among the trusted ones.
    Unknown,
    /// It is right, by a trusted key.
    Trusted,
}

/// Why a list of keys was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected 64 lower-case hexadecimal digits, then a comment")]
pub struct KeyError {
    /// Line, from 1.
    pub line: usize,
}

fn message(manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
    Ok([DOMAIN, &manifest.canonical()?].concat())
}

/// Signs a manifest with a secret key of 32 bytes.
pub fn sign(manifest: &mut Manifest, secret: &[u8; 32]) -> Result<(), ManifestError> {
    let key = SigningKey::from_bytes(secret);
    let value = Signed(key.sign(&message(manifest)?).to_bytes());
    manifest.signature = Some(Signature { key: Sha(key.verifying_key().to_bytes()), value });
    Ok(())
}

/// The public key of a secret one.
pub fn public(secret: &[u8; 32]) -> Sha {
    Sha(SigningKey::from_bytes(secret).verifying_key().to_bytes())
}

/// Checks a manifest's signature against trusted keys.
pub fn trust(manifest: &Manifest, trusted: &[Sha]) -> Result<Trust, ManifestError> {
    let Some(signature) = &manifest.signature else { return Ok(Trust::Unsigned) };
    let Ok(key) = VerifyingKey::from_bytes(&signature.key.0) else { return Ok(Trust::Broken) };
    let value = ed25519_dalek::Signature::from_bytes(&signature.value.0);
    Ok(match key.verify_strict(&message(manifest)?, &value) {
        Err(_) => Trust::Broken,
        Ok(()) if trusted.contains(&signature.key) => Trust::Trusted,
        Ok(()) => Trust::Unknown,
    })
}

/// Keys of a file: one a line, as digits, with a comment behind; empty lines and those that begin with `#` are left out.
pub fn keys(text: &str) -> Result<Vec<Sha>, KeyError> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| {
            let digits = text.split_whitespace().next().unwrap_or("");
            crate::hex::bytes(digits).map(Sha).ok_or(KeyError { line })
        })
        .collect()
}

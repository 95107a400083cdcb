//! Whether a manifest and its file are what they say, and whether one image may stand in for another.

use std::path::Path;

use crate::{
    board::Board,
    hex::{Hex32, Hex64, Sha},
    image,
    manifest::{sha256, Kind, Manifest, ManifestError},
    sign::{trust, Trust},
};

/// Images are read whole: the largest part's has 160 MB.
const MAX_IMAGE: u64 = 1 << 30;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: a name for scripts.
    pub check: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// What a manifest is held against.
#[derive(Clone, Copy, Debug)]
pub struct Against<'a> {
    /// The board of its name, where there is one.
    pub board: Option<&'a Board>,
    /// Hash of this build's register map.
    pub map_hash: u64,
    /// Keys whose signatures count.
    pub trusted: &'a [Sha],
    /// Whether a trusted signature must be there.
    pub require_signed: bool,
}

/// Checks the manifest at `path`, its file and its signature. An error is a file that cannot be read.
pub fn verify(path: &Path, manifest: &Manifest, against: &Against) -> Result<Vec<Finding>, ManifestError> {
    let mut findings = Vec::new();
    let mut put = |check, ok, detail: String| findings.push(Finding { check, ok, detail });
    let file = manifest.file_beside(path);
    let bytes = crate::read(&file, MAX_IMAGE).map_err(|source| ManifestError::Read { path: file.clone(), source })?;

    let size = bytes.len() as u64;
    put("size", size == manifest.size, format!("{size} bytes, {} in the manifest", manifest.size));
    let hash = sha256(&bytes);
    let same = hash == manifest.sha256;
    put("sha256", same, if same { hash.to_string() } else { format!("{hash}, not {}", manifest.sha256) });
    let mask = against.board.map_or(u32::MAX, |board| board.idcode_mask);
    if manifest.kind == Kind::Bitstream {
        match image::inspect(&bytes) {
            Ok(image) => {
                let same = (image.idcode ^ manifest.idcode.0) & mask == 0;
                let detail = format!("{} in the image, {} in the manifest", Hex32(image.idcode), manifest.idcode);
                put("idcode", same, detail);
                if let Some(user_id) = image.user_id {
                    let low = manifest.build_id.0 as u32;
                    let detail =
                        format!("USERID {} in the image, build {} in the manifest", Hex32(user_id), manifest.build_id);
                    put("build", user_id == low, detail);
                }
                if let Some(part) = image.part {
                    let same = same_part(&part, &manifest.part);
                    put("part", same, format!("{part} in the image, {} in the manifest", manifest.part));
                }
            }
            Err(e) => put("idcode", false, e.to_string()),
        }
    }
    match against.board {
        Some(board) => {
            let same = (board.idcode ^ manifest.idcode.0) & mask == 0 && board.part == manifest.part;
            put("board", same, format!("{}: {} with IDCODE {}", board.name, board.part, Hex32(board.idcode)));
            let slot = board.flash.slot(manifest.flash.slot);
            let fits = slot.is_some_and(|slot| {
                slot.offset == manifest.flash.offset && (manifest.kind != Kind::Bitstream || size <= slot.bytes)
            });
            let detail = slot.map_or("no such slot".into(), |s| format!("{:#x}, {} bytes", s.offset, s.bytes));
            put(
                "slot",
                fits,
                format!("{:?} at {:#x}; the board has {detail}", manifest.flash.slot, manifest.flash.offset),
            );
        }
        None => put(
            "board",
            false,
            format!("this build knows no board `{}`: name its folder with --boards", manifest.board),
        ),
    }
    let same = manifest.register_map_hash.0 == against.map_hash;
    let detail = format!("{} in the manifest, {} in this build", manifest.register_map_hash, Hex64(against.map_hash));
    put("register_map", same, detail);
    let trust = trust(manifest, against.trusted)?;
    let ok = match trust {
        Trust::Trusted => true,
        Trust::Broken => false,
        Trust::Unsigned | Trust::Unknown => !against.require_signed,
    };
    let detail = match trust {
        Trust::Unsigned => "not signed",
        Trust::Broken => "wrong: the manifest was changed after it was signed",
        Trust::Unknown => "right, by a key that is not among the trusted ones",
        Trust::Trusted => "right, by a trusted key",
    };
    put("signature", ok, detail.into());
    Ok(findings)
}

/// Xilinx writes `7a200tfbg484` or `xcku5p-ffvb676-2-e`, Lattice's tools `LFE5UM5G-85F-8CABGA554`: a name is the same if
/// it has family, size and package of the other.
fn same_part(image: &str, manifest: &str) -> bool {
    let plain = |text: &str| {
        let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let text = text.to_lowercase().replace("cabga", "bg");
        text.strip_prefix("xc").map(str::to_owned).unwrap_or(text)
    };
    let (image, manifest) = (plain(image), plain(manifest));
    !image.is_empty() && (manifest.starts_with(&image) || image.starts_with(&manifest))
}

/// What differs between two manifests, and what of it forbids that `new` replaces `old`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Field, value of the old one, value of the new one.
    pub differences: Vec<(String, String, String)>,
    /// Why the new one may not replace the old one; empty if it may.
    pub obstacles: Vec<String>,
}

/// Compares two manifests.
pub fn compare(old: &Manifest, new: &Manifest) -> Result<Comparison, ManifestError> {
    let mut differences = Vec::new();
    let value = |m: &Manifest| {
        serde_json::to_value(m).map_err(|e| ManifestError::Schema { path: "manifest".into(), detail: e.to_string() })
    };
    differ("", &value(old)?, &value(new)?, &mut differences);
    let mut obstacles = Vec::new();
    let mut forbid = |wrong: bool, text: String| {
        if wrong {
            obstacles.push(text)
        }
    };
    forbid(new.kind != Kind::Bitstream, format!("the new one is no image but of kind {:?}", new.kind));
    forbid(old.board != new.board, format!("it is for board {}, not {}", new.board, old.board));
    let part = old.part != new.part || old.idcode != new.idcode;
    forbid(part, format!("it is for part {} ({}), not {} ({})", new.part, new.idcode, old.part, old.idcode));
    forbid(old.interface_uuid != new.interface_uuid, "its interface is another: it needs another driver".into());
    let slots = (old.flash.slot, new.flash.slot);
    forbid(slots.0 != slots.1, format!("it goes into slot {:?}, not {:?}", slots.1, slots.0));
    let missing: Vec<&str> =
        old.features.sets.iter().filter(|set| !new.features.sets.contains(set)).map(String::as_str).collect();
    forbid(!missing.is_empty(), format!("it lacks parameter sets: {}", missing.join(", ")));
    Ok(Comparison { differences, obstacles })
}

fn differ(path: &str, old: &serde_json::Value, new: &serde_json::Value, out: &mut Vec<(String, String, String)>) {
    use serde_json::Value::{Null, Object};
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (old, new) {
        (Object(a), Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))).collect();
            keys.sort();
            for key in keys {
                differ(&join(key), a.get(key).unwrap_or(&Null), b.get(key).unwrap_or(&Null), out);
            }
        }
        _ if old != new => out.push((path.into(), old.to_string(), new.to_string())),
        _ => {}
    }
}

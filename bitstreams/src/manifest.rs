//! Manifests: what an image is, where it came from and where it goes. One file `*.bitstream.json` beside each image.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    board::SlotKind,
    hex::{Hex32, Hex64, Sha},
    sign::Signature,
};

/// The version of the schema that this crate reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

/// How every manifest's name ends.
pub const SUFFIX: &str = ".bitstream.json";

/// JSON Schema of a manifest.
pub const JSON_SCHEMA: &str = include_str!("../manifest.schema.json");

/// The largest manifest that is read: they have a few kilobytes.
const MAX_BYTES: u64 = 1 << 20;

/// A manifest. docs/bitstreams.md says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// What the file is.
    pub kind: Kind,
    /// The board's name.
    pub board: String,
    /// The part, as in the board's file.
    pub part: String,
    /// JTAG IDCODE of the part.
    pub idcode: Hex32,
    /// Name of the file, which lies beside the manifest.
    pub file: String,
    /// What is in the file.
    pub format: Format,
    /// SHA-256 of the file.
    pub sha256: Sha,
    /// Bytes of the file.
    pub size: u64,
    /// Version of the register interface, `major.minor`.
    pub abi: String,
    /// Hash of the register map: the register `MAP_HASH_REG`.
    pub register_map_hash: Hex64,
    /// Identity of the build: the register `BUILD_ID`.
    pub build_id: Hex64,
    /// The same for every image that one driver can drive.
    pub interface_uuid: String,
    /// The same for every image with the same accelerator.
    pub accelerator_uuid: String,
    /// PCI IDs, of a board on PCI Express.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci: Option<PciIds>,
    /// The sources, where they come from a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// Programs that made the file, with their versions.
    pub tools: BTreeMap<String, String>,
    /// Seed of placing and routing, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Clock of the accelerator, in MHz.
    pub clock_mhz: f64,
    /// What timing analysis says the clock may be, in MHz; not there before it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fmax_mhz: Option<f64>,
    /// What of the part is taken.
    pub utilisation: Utilisation,
    /// What the accelerator can do.
    pub features: Features,
    /// Where the file goes in the board's flash.
    pub flash: Place,
    /// Who vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// What a manifest's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image for a board.
    Bitstream,
    /// A report: no image was made.
    Estimate,
    /// The Tcl of a project that makes an image where the vendor's tools are.
    Project,
}

/// What is in a manifest's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A `.bit` file: Xilinx's with its header, Lattice's with its comments.
    Bit,
    /// Bytes of the flash.
    Bin,
    /// A Tcl script.
    Tcl,
    /// A report.
    Json,
}

/// IDs in PCI configuration space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PciIds {
    /// Vendor.
    pub vendor: u16,
    /// Device.
    pub device: u16,
}

/// A state of a git repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// The commit.
    pub revision: String,
    /// Whether files differed from it.
    pub dirty: bool,
}

/// What of a part is taken, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utilisation {
    /// How it is known.
    pub source: Source,
    /// MULT18X18D or DSP48.
    pub multipliers: Share,
    /// Memories of 18 Kbit.
    pub memories: Share,
    /// Look-up tables.
    pub luts: Share,
    /// Flip-flops.
    pub registers: Share,
}

/// How a utilisation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// By the area model, or by Yosys' cells where the tools name it, without the shell around the accelerator.
    Estimate,
    /// From place and route.
    Routed,
}

/// A number out of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Taken.
    pub used: u64,
    /// There is.
    pub available: u64,
}

/// What an accelerator can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// The preset.
    pub preset: String,
    /// Parameter sets, by name.
    pub sets: Vec<String>,
}

/// A place in a board's flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// First byte.
    pub offset: u64,
    /// The slot it begins.
    pub slot: SlotKind,
}

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file could not be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Not JSON, or not of the schema.
    #[error("{path}: {detail}; `hotloop bitstream schema` prints what a manifest is", path = path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        detail: String,
    },
    /// A value that no manifest can have.
    #[error("{path}: {field}: {reason}", path = path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Manifest {
    /// Reads and checks a manifest.
    pub fn load(path: &Path) -> Result<Manifest, ManifestError> {
        let text = crate::read(path, MAX_BYTES).map_err(|source| ManifestError::Read { path: path.into(), source })?;
        Manifest::parse(path, &text)
    }

    /// Checks the bytes of a manifest; `path` is for messages.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Manifest, ManifestError> {
        let manifest: Manifest = serde_json::from_slice(text)
            .map_err(|e| ManifestError::Schema { path: path.into(), detail: e.to_string() })?;
        manifest.check().map_err(|(field, reason)| ManifestError::Value { path: path.into(), field, reason })?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.manifest_version != MANIFEST_VERSION {
            let reason = format!("this build reads version {MANIFEST_VERSION}, not {}", self.manifest_version);
            return Err(("manifest_version", reason));
        }
        // A manifest names what lies beside it, and nothing else on the machine.
        let mut parts = Path::new(&self.file).components();
        if !matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(_)), None)) {
            return Err(("file", format!("`{}` is not the name of a file beside the manifest", self.file)));
        }
        let clocks = [("clock_mhz", Some(self.clock_mhz)), ("fmax_mhz", self.fmax_mhz)];
        for (field, mhz) in clocks {
            if mhz.is_some_and(|mhz| !(1.0..=2000.0).contains(&mhz)) {
                return Err((field, "not between 1 and 2000 MHz".into()));
            }
        }
        let allowed: &[Format] = match self.kind {
            Kind::Bitstream => &[Format::Bit, Format::Bin],
            Kind::Estimate => &[Format::Json],
            Kind::Project => &[Format::Tcl],
        };
        if !allowed.contains(&self.format) {
            return Err(("format", format!("a file of kind {:?} has no format {:?}", self.kind, self.format)));
        }
        Ok(())
    }

    /// The manifest as a file.
    pub fn to_json(&self) -> Result<String, ManifestError> {
        let schema = |e: serde_json::Error| ManifestError::Schema { path: "manifest".into(), detail: e.to_string() };
        Ok(serde_json::to_string_pretty(self).map_err(schema)? + "\n")
    }

    /// What a signature is over: the manifest without its signature, as JSON without white space, fields in the order of
    /// the schema.
    pub fn canonical(&self) -> Result<Vec<u8>, ManifestError> {
        let bare = Manifest { signature: None, ..self.clone() };
        serde_json::to_vec(&bare).map_err(|e| ManifestError::Schema { path: "manifest".into(), detail: e.to_string() })
    }

    /// The file of the manifest at `path`.
    pub fn file_beside(&self, path: &Path) -> PathBuf {
        path.with_file_name(&self.file)
    }
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Sha {
    Sha(Sha256::digest(bytes).into())
}

/// Identity of the interface between driver and board: of ABI and register map.
pub fn interface_uuid(abi: u32, map_hash: u64) -> String {
    uuid(&[b"hotloop interface", &abi.to_le_bytes(), &map_hash.to_le_bytes()])
}

/// Identity of an accelerator: of its preset and its build.
pub fn accelerator_uuid(preset: &str, build_id: u64) -> String {
    uuid(&[b"hotloop accelerator", preset.as_bytes(), &build_id.to_le_bytes()])
}

/// A version of the register interface as manifests have it.
pub fn abi_text(abi: u32) -> String {
    format!("{}.{}", abi >> 16, abi & 0xffff)
}

/// A UUID of version 8 (RFC 9562, 5.8): a hash of the parts.
fn uuid(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = crate::hex::text(&bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

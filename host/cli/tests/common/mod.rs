//! What tests of flashing share.

use std::path::Path;

use hotloop_boards::{hex::*, manifest::*, Board, SlotKind};

/// Writes an image and its manifest into a folder, as an image of this release for the user slot of a board with its preset;
/// the manifest's path.
pub fn manifest(folder: &Path, board: &Board, file: &str, format: Format, build_id: u64, bytes: &[u8]) -> String {
    std::fs::write(folder.join(file), bytes).unwrap();
    let share = Share { used: 1, available: 100 };
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        kind: Kind::Bitstream,
        board: board.name.clone(),
        part: board.part.clone(),
        idcode: Hex32(board.idcode),
        file: file.into(),
        format,
        sha256: sha256(bytes),
        size: bytes.len() as u64,
        abi: abi_text(hotloop_regs::ABI),
        register_map_hash: Hex64(hotloop_regs::MAP_HASH),
        build_id: Hex64(build_id),
        interface_uuid: interface_uuid(hotloop_regs::ABI, hotloop_regs::MAP_HASH),
        accelerator_uuid: accelerator_uuid(&board.preset, build_id),
        pci: None,
        git: None,
        tools: Default::default(),
        seed: Some(1),
        clock_mhz: 100.0,
        fmax_mhz: None,
        utilisation: Utilisation {
            source: Source::Routed,
            multipliers: share,
            memories: share,
            luts: share,
            registers: share,
        },
        features: Features { preset: board.preset.clone(), sets: vec![] },
        flash: Place { offset: board.flash.slot(SlotKind::User).unwrap().offset, slot: SlotKind::User },
        signature: None,
    };
    let path = folder.join(format!("{file}{SUFFIX}"));
    std::fs::write(&path, manifest.to_json().unwrap()).unwrap();
    path.display().to_string()
}

//! Manifests, the images they are about, and signatures.

use std::path::{Path, PathBuf};

use hotloop_boards::{
    all, find,
    hex::{Hex32, Hex64},
    image::{inspect, Image, ImageError},
    manifest::{
        abi_text, accelerator_uuid, interface_uuid, sha256, Features, Format, Git, Kind, Manifest, ManifestError,
        PciIds, Place, Share, Source, Utilisation, JSON_SCHEMA,
    },
    sign::{keys, public, sign, trust, Trust},
    verify::{compare, verify, Against},
    Board, SlotKind,
};
use hotloop_regs::{ABI, MAP_HASH};
use proptest::prelude::*;
use serde_json::Value;

/// The beginning of what ecppack 1.4 writes for an LFE5UM5G-85F.
const ECP5: &[u8] = b"\xff\x00Part: LFE5UM5G-85F-8CABGA554\x00\xff\xff\xff\xbd\xb3\xff\xff\xff\xff\x3b\x00\x00\x00\
    \xe2\x00\x00\x00\x81\x11\x30\x43\x22\x00\x00\x00\x40\x00\x00\x00\x46\x00\x00\x00";

/// A `.bit` file as UG470 describes it: header, bus width detection, sync word, some register writes, IDCODE, frames.
fn xilinx(part: &str, idcode: u32, with_idcode: bool) -> Vec<u8> {
    let mut bytes = vec![0x00, 0x09, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x00, 0x00, 0x01];
    for (field, text) in [
        (b'a', "shell;COMPRESS=TRUE;UserID=0X00001234;Version=2024.1"),
        (b'b', part),
        (b'c', "2026/11/20"),
        (b'd', "22:00:00"),
    ] {
        bytes.extend([field, 0, text.len() as u8 + 1]);
        bytes.extend(text.bytes().chain([0]));
    }
    let mut words = vec![0xffff_ffff, 0x0000_00bb, 0x1122_0044, 0xffff_ffff, 0xaa99_5566, 0x2000_0000];
    // WBSTAR, then COR0, whose value looks like the header of an IDCODE write.
    words.extend([0x3002_0001, 0x0000_0000, 0x3001_2001, 0x3001_8001]);
    if with_idcode {
        words.extend([0x3001_8001, idcode]);
    }
    words.extend([0x3000_4000, 0x5000_0002, 1, 2]);
    let data: Vec<u8> = words.iter().flat_map(|w: &u32| w.to_be_bytes()).collect();
    bytes.push(b'e');
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn manifest(board: &Board, bytes: &[u8]) -> Manifest {
    let slot = board.flash.slot(SlotKind::User).unwrap();
    let share = Share { used: 1, available: 2 };
    Manifest {
        manifest_version: 1,
        kind: Kind::Bitstream,
        board: board.name.clone(),
        part: board.part.clone(),
        idcode: Hex32(board.idcode),
        file: "image.bit".into(),
        format: Format::Bit,
        sha256: sha256(bytes),
        size: bytes.len() as u64,
        abi: abi_text(ABI),
        register_map_hash: Hex64(MAP_HASH),
        build_id: Hex64(0x1234),
        interface_uuid: interface_uuid(ABI, MAP_HASH),
        accelerator_uuid: accelerator_uuid(&board.preset, 0x1234),
        pci: Some(PciIds { vendor: 0x1209, device: 0x4854 }),
        git: Some(Git { revision: "0".repeat(40), dirty: true }),
        tools: [("yosys".to_owned(), "0.23".to_owned())].into(),
        seed: Some(1),
        clock_mhz: 150.0,
        fmax_mhz: Some(151.25),
        utilisation: Utilisation {
            source: Source::Routed,
            multipliers: share,
            memories: share,
            luts: share,
            registers: share,
        },
        features: Features { preset: board.preset.clone(), sets: vec!["plonky2-v1".into()] },
        flash: Place { offset: slot.offset, slot: SlotKind::User },
        signature: None,
    }
}

/// A folder with an image and its manifest, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, image: &[u8], manifest: &Manifest) -> Folder {
        let path = std::env::temp_dir().join(format!("hotloop-manifest-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("image.bit"), image).unwrap();
        std::fs::write(path.join("image.bitstream.json"), manifest.to_json().unwrap()).unwrap();
        Folder(path)
    }

    fn manifest(&self) -> PathBuf {
        self.0.join("image.bitstream.json")
    }

    /// The checks that are not met.
    fn failures(&self, board: Option<&Board>, map_hash: u64, require_signed: bool) -> Vec<&'static str> {
        let manifest = Manifest::load(&self.manifest()).unwrap();
        let against = Against { board, map_hash, trusted: &[], require_signed };
        let findings = verify(&self.manifest(), &manifest, &against).unwrap();
        findings.iter().filter(|f| !f.ok).map(|f| f.check).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn images_say_which_part_they_are_for() {
    let part = Some("LFE5UM5G-85F-8CABGA554".to_owned());
    assert_eq!(inspect(ECP5), Ok(Image { idcode: 0x8111_3043, part, user_id: None, version: None }));
    let bit = xilinx("7a200tfbg484", 0x0363_6093, true);
    let (part, version) = (Some("7a200tfbg484".into()), Some("2024.1".into()));
    assert_eq!(inspect(&bit), Ok(Image { idcode: 0x0363_6093, part, user_id: Some(0x1234), version }));
    // The same without header, as in the flash.
    let bin = &bit[bit.len() - 18 * 4 + 8..];
    assert_eq!(inspect(bin).map(|image| image.part), Ok(None));
}

#[test]
fn wrong_images_are_refused_with_a_reason() {
    let bit = xilinx("7a200tfbg484", 0x0363_6093, false);
    assert_eq!(inspect(&bit), Err(ImageError::NoIdcode));
    assert_eq!(inspect(b"not an image"), Err(ImageError::NoPreamble));
    assert_eq!(inspect(b""), Err(ImageError::NoPreamble));
    let encrypted: Vec<u8> = ECP5.iter().map(|&b| if b == 0xbd { 0xba } else { b }).collect();
    assert_eq!(inspect(&encrypted), Err(ImageError::Encrypted));
    // Another command where VERIFY_ID should be.
    let unchecked: Vec<u8> = ECP5.iter().map(|&b| if b == 0xe2 { 0x22 } else { b }).collect();
    assert_eq!(inspect(&unchecked), Err(ImageError::NoIdcode));
    let bit = xilinx("7a200tfbg484", 0x0363_6093, true);
    for end in 13..bit.len() {
        assert!(matches!(inspect(&bit[..end]), Err(ImageError::Short { .. })), "cut at {end}");
    }
    let mut wrong = bit;
    wrong[13] = b'z';
    assert_eq!(inspect(&wrong), Err(ImageError::Header { at: 13, field: 'a' }));
}

#[test]
fn what_was_changed_is_found() {
    let board = find("ecpix5-85", None).unwrap();
    let right = manifest(&board, ECP5);
    let folder = Folder::new("changed", ECP5, &right);
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), Vec::<&str>::new());
    assert_eq!(folder.failures(Some(&board), MAP_HASH, true), ["signature"]);
    assert_eq!(folder.failures(Some(&board), MAP_HASH + 1, false), ["register_map"]);
    assert_eq!(folder.failures(None, MAP_HASH, false), ["board"]);
    let mut image = ECP5.to_vec();
    *image.last_mut().unwrap() ^= 1;
    std::fs::write(folder.0.join("image.bit"), &image).unwrap();
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), ["sha256"]);
    std::fs::write(folder.0.join("image.bit"), &ECP5[..60]).unwrap();
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), ["size", "sha256"]);

    // An image of another part, with a manifest that is right but for that.
    let other: Vec<u8> = ECP5.iter().map(|&b| if b == 0x81 { 0x41 } else { b }).collect();
    let folder = Folder::new("other-part", &other, &manifest(&board, &other));
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), ["idcode"]);

    // A place that is not the board's slot.
    let misplaced = Manifest { flash: Place { offset: 4096, slot: SlotKind::User }, ..right };
    let folder = Folder::new("misplaced", ECP5, &misplaced);
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), ["slot"]);
}

#[test]
fn the_version_nibble_of_a_xilinx_part_does_not_matter() {
    let board = find("acorn-cle215", None).unwrap();
    let image = xilinx("7a200tfbg484", 0x1363_6093, true);
    let folder = Folder::new("nibble", &image, &manifest(&board, &image));
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), Vec::<&str>::new());
    let other = Manifest { build_id: Hex64(0x1235), ..manifest(&board, &image) };
    let folder = Folder::new("build", &image, &other);
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), ["build"]);
    let image = xilinx("7k325tffg676", 0x0365_1093, true);
    let folder = Folder::new("k325t", &image, &manifest(&board, &image));
    assert_eq!(folder.failures(Some(&board), MAP_HASH, false), ["idcode", "part"]);
}

#[test]
fn a_signature_holds_for_one_manifest_and_key() {
    let board = find("kc705", None).unwrap();
    let mut signed = manifest(&board, ECP5);
    assert_eq!(trust(&signed, &[]).unwrap(), Trust::Unsigned);
    let secret = [7; 32];
    sign(&mut signed, &secret).unwrap();
    // It survives the file, however that is laid out.
    let parsed = Manifest::parse(Path::new("m"), signed.to_json().unwrap().as_bytes()).unwrap();
    assert_eq!(parsed, signed);
    assert_eq!(trust(&parsed, &[public(&secret)]).unwrap(), Trust::Trusted);
    assert_eq!(trust(&parsed, &[public(&[8; 32])]).unwrap(), Trust::Unknown);
    // Every field is covered.
    let Value::Object(fields) = serde_json::to_value(&signed).unwrap() else { panic!("an object") };
    for (field, value) in &fields {
        let mut changed = fields.clone();
        let other = match value {
            Value::String(text) if field == "board" || field == "part" || field == "file" => format!("{text}x").into(),
            Value::Number(n) => Value::from(n.as_f64().unwrap() as u64 + 1),
            _ => continue,
        };
        changed.insert(field.clone(), other);
        let text = Value::Object(changed).to_string();
        if let Ok(changed) = Manifest::parse(Path::new("m"), text.as_bytes()) {
            assert_eq!(trust(&changed, &[public(&secret)]).unwrap(), Trust::Broken, "{field}");
        }
    }
    let mut other = signed.clone();
    other.features.sets.push("miden".into());
    assert_eq!(trust(&other, &[public(&secret)]).unwrap(), Trust::Broken);
}

#[test]
fn a_list_of_keys_names_the_line() {
    let key = public(&[7; 32]);
    assert_eq!(keys(&format!("# the lab\n\n{key} build host\n")), Ok(vec![key]));
    assert_eq!(keys(&format!("{key}\nABC\n")).unwrap_err().line, 2);
}

#[test]
fn what_differs_and_what_forbids() {
    let board = find("ecpix5-85", None).unwrap();
    let old = manifest(&board, ECP5);
    let new = Manifest { seed: Some(2), fmax_mhz: None, ..old.clone() };
    let comparison = compare(&old, &new).unwrap();
    let fields: Vec<&str> = comparison.differences.iter().map(|(field, ..)| field.as_str()).collect();
    assert_eq!((fields, comparison.obstacles), (vec!["fmax_mhz", "seed"], vec![]));
    let other = manifest(&find("ulx3s-85", None).unwrap(), ECP5);
    let obstacles = compare(&old, &other).unwrap().obstacles;
    assert_eq!(obstacles.len(), 2, "{obstacles:?}");
    let fewer = Manifest { features: Features { sets: vec![], ..old.features.clone() }, ..old.clone() };
    assert_eq!(compare(&old, &fewer).unwrap().obstacles, ["it lacks parameter sets: plonky2-v1"]);
    let project = Manifest { kind: Kind::Project, format: Format::Tcl, ..old.clone() };
    assert!(compare(&old, &project).unwrap().obstacles[0].contains("no image"));
}

#[test]
fn wrong_manifests_are_refused_with_a_reason() {
    let right = manifest(&find("ecpix5-85", None).unwrap(), ECP5);
    let refused = |m: &Manifest| match Manifest::parse(Path::new("m"), m.to_json().unwrap().as_bytes()) {
        Err(ManifestError::Value { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    for file in ["", "..", "/etc/passwd", "a/b", "../image.bit"] {
        assert_eq!(refused(&Manifest { file: file.into(), ..right.clone() }), "file");
    }
    assert_eq!(refused(&Manifest { manifest_version: 2, ..right.clone() }), "manifest_version");
    assert_eq!(refused(&Manifest { clock_mhz: 0.0, ..right.clone() }), "clock_mhz");
    assert_eq!(refused(&Manifest { kind: Kind::Project, ..right.clone() }), "format");
    let text = right.to_json().unwrap();
    for (from, to, expected) in [
        ("\"sha256\": \"", "\"sha256\": \"0", "lower-case hexadecimal"),
        ("\"seed\"", "\"seeds\"", "unknown field `seeds`"),
        ("\"board\": \"ecpix5-85\",\n", "", "missing field `board`"),
    ] {
        let message = Manifest::parse(Path::new("m"), text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("line "), "{message}");
    }
}

/// The JSON Schema names the fields that a manifest has, at every level, and requires those that are always there.
#[test]
fn the_schema_is_the_manifest() {
    let mut full = manifest(&find("acorn-cle215", None).unwrap(), ECP5);
    sign(&mut full, &[7; 32]).unwrap();
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    fn same(root: &Value, schema: &Value, value: &Value, path: &str) {
        let schema = match schema.get("$ref") {
            Some(_) => &root["$defs"]["share"],
            None => schema,
        };
        let (Some(properties), Value::Object(fields)) = (schema["properties"].as_object(), value) else { return };
        let (mut a, mut b): (Vec<&String>, Vec<&String>) = (properties.keys().collect(), fields.keys().collect());
        a.sort();
        b.sort();
        assert_eq!(a, b, "{path}");
        fields.iter().for_each(|(key, value)| same(root, &properties[key], value, &format!("{path}.{key}")));
    }
    same(&schema, &schema, &serde_json::to_value(&full).unwrap(), "");
    let least = Manifest { pci: None, git: None, seed: None, fmax_mhz: None, signature: None, ..full };
    let Value::Object(least) = serde_json::to_value(&least).unwrap() else { panic!("an object") };
    let mut required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    required.sort();
    let mut present: Vec<&str> = least.keys().map(String::as_str).collect();
    present.sort();
    assert_eq!(required, present);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = inspect(&bytes);
        let _ = Manifest::parse(Path::new("m"), &bytes);
        let _ = Board::parse(Path::new("b.toml"), &String::from_utf8_lossy(&bytes));
        let _ = keys(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_makes_the_parsers_panic(at in 0..400usize, byte: u8, cut in 0..400usize, which in 0..3usize) {
        let image = [ECP5.to_vec(), xilinx("7a200tfbg484", 0x0363_6093, true), xilinx("7a200tfbg484", 0, false)];
        let mut image = image[which].clone();
        if let Some(place) = image.get_mut(at) {
            *place = byte;
        }
        image.truncate(cut);
        let _ = inspect(&image);
    }

    #[test]
    fn no_damage_makes_the_board_parser_panic(which in 0..11usize, at: usize, byte in 0x20u8..0x7f) {
        let texts: Vec<String> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("boards")).unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        let mut text = texts[which % texts.len()].clone().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let _ = Board::parse(Path::new("b.toml"), &String::from_utf8_lossy(&text));
    }
}

#[test]
fn names_of_parts_are_told_apart() {
    // Each board's part is its own, and no other's.
    let boards = all().unwrap();
    for board in boards.iter().filter(|b| b.part.starts_with("xc")) {
        let image = xilinx(&board.part, board.idcode, true);
        let folder = Folder::new(&format!("part-{}", board.name), &image, &manifest(board, &image));
        assert_eq!(folder.failures(Some(board), MAP_HASH, false), Vec::<&str>::new(), "{}", board.name);
    }
}

//! The board files, against the presets and the register map; and what a wrong file is told.

use std::path::Path;

use hotloop_boards::{all, find, Board, BoardError, Family, Link, SlotKind};
use hotloop_hdl::{
    datapath::{self, Area},
    field::MultiplierLeaf,
    presets::Preset,
};

const ECPIX5: &str = include_str!("../boards/ecpix5-85.toml");
const ACORN: &str = include_str!("../boards/acorn-cle215.toml");

#[test]
fn every_file_of_the_folder_is_in_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards");
    let loaded = hotloop_boards::load(&folder).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded, all().unwrap());
    let names: Vec<&str> = loaded.iter().map(|b| b.name.as_str()).collect();
    for name in ["ecpix5-85", "versa-ecp5-5g", "ulx3s-85", "acorn-cle215", "kc705", "vcu118", "c1100"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
}

#[test]
fn a_preset_fits_its_board() {
    for board in all().unwrap() {
        let preset = Preset::named(&board.preset).unwrap_or_else(|| panic!("{}: preset {}", board.name, board.preset));
        let c = &board.capacity;
        let capacity = Area {
            multipliers: c.multipliers.into(),
            memories: u64::from(c.ram_kilobits) / 18,
            luts: c.luts.into(),
            registers: c.flip_flops.into(),
        };
        // `LFE5U-85F` is the preset's part for every LFE5*-85F.
        let (series, size) = preset.part.name.split_once('-').unwrap_or((preset.part.name, ""));
        let part = board.part.to_uppercase();
        if part.starts_with(series) && part.contains(size) {
            assert_eq!(capacity, preset.part.capacity, "{}: the same part has two capacities", board.name);
        }
        let (family, leaves): (_, &[MultiplierLeaf]) = match board.family {
            Family::Ecp5 => (datapath::Family::Ecp5, &[MultiplierLeaf::Ecp5]),
            // One leaf's figures are the other's.
            _ => (datapath::Family::Xilinx, &[MultiplierLeaf::Xilinx7, MultiplierLeaf::Xilinx]),
        };
        assert_eq!(preset.part.family, family, "{}", board.name);
        assert!(leaves.contains(&preset.part.multiplier), "{}", board.name);
        let [multipliers, memories, luts, registers] = preset.estimate().percent_of(&capacity);
        assert!(multipliers <= 100, "{}: {multipliers} % of the multipliers", board.name);
        assert!([memories, luts, registers].iter().all(|&percent| percent <= 95), "{}: it does not fit", board.name);
    }
}

#[test]
fn boards_on_pci_have_the_ids_that_the_driver_knows() {
    for board in all().unwrap() {
        let ids = board.pcie.as_ref().map(|pcie| (pcie.vendor_id, pcie.device_id));
        match board.link {
            Link::Pcie => assert_eq!(ids, Some((hotloop_regs::PCI_VENDOR_ID, hotloop_regs::PCI_DEVICE_ID))),
            Link::Uart => assert_eq!(ids, None, "{}", board.name),
        }
        assert!(board.flash.slot(SlotKind::Golden).is_some() && board.flash.slot(SlotKind::User).is_some());
    }
}

/// Replaces `from` by `to` in a file, not as the end of a longer name, and gives the message and the line that should be in
/// it: the one of what was replaced.
fn refused(name: &str, text: &str, from: &str, to: &str) -> (String, usize) {
    let mut places = text.match_indices(from).map(|(at, _)| at);
    let at = places.find(|&at| !text[..at].ends_with('_')).unwrap_or_else(|| panic!("{from} is not in the file"));
    let changed = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
    let message = Board::parse(Path::new(name), &changed).unwrap_err().to_string();
    (message, text[..at].matches('\n').count() + 1)
}

#[test]
fn errors_name_the_line() {
    for (from, to, expected) in [
        ("schema = 1", "schema = 2", "schema"),
        ("idcode = 0x81113043", "idcode = 0x81113042", "idcode"),
        ("idcode_mask = 0xffffffff", "idcode_mask = 0x00ffffff", "idcode_mask"),
        ("preset = ", "accelerator_mhz = 0.0\npreset = ", "accelerator_mhz"),
        ("mhz = 100.0", "mhz = 0.0", "clock.mhz"),
        ("name = \"ecpix5-85\"", "name = \"other\"", "name"),
        ("vendor = \"lattice\"", "vendor = \"acme\"", "acme"),
        ("family = \"ecp5\"", "family = \"series7\"", "family"),
        ("package = \"CABGA554\"", "package = \"CABGA381\"", "package"),
        ("speed_grade = \"8\"", "speed_grade = \"6\"", "speed_grade"),
        ("link = \"uart\"", "link = \"pcie\"", "link"),
        ("pin = \"K23\"", "spin = \"K23\"", "spin"),
        ("pin = \"K23\"", "pin = \"K234\"", "clock.pin"),
        ("tx = \"R24\"", "tx = \"R26\"", "uart.tx: pin R26 is taken: uart.rx"),
        ("baud = 3000000", "baud = 0", "uart.baud"),
        ("width = 4", "width = 3", "flash.width"),
        ("bytes = 33554432", "bytes = 65536", "flash.slots.0"),
        ("offset = 0x0800000", "offset = 0x0bff000", "flash.slots.1: an ECP5's slots end at 0xff0000"),
        ("offset = 0x0800000", "offset = 0x1000000", "flash.slots.1: an ECP5's slots end at 0xff0000"),
        ("multipliers = 156", "multipliers = 0", "capacity.multipliers"),
        ("unchecked = [\"flash.bytes\"", "unchecked = [\"flash.bits\"", "unchecked.0"),
    ] {
        let (message, line) = refused("ecpix5-85.toml", ECPIX5, from, to);
        // Of a slot that does not fit, the line is the slot's.
        let line = match expected {
            "flash.slots.0" => ECPIX5[..ECPIX5.find("{ kind").unwrap()].matches('\n').count() + 1,
            _ => line,
        };
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&format!("line {line}:")) || message.contains(&format!("line {line},")), "{message}");
    }
    for (from, to, expected) in [
        ("preset = ", "seed = 2\npreset = ", "seed: for ECP5 boards"),
        ("rx_p = [\"B10\", ", "rx_p = [", "pcie.rx_p: 3 pins for 4 lanes"),
        ("lanes = 4", "lanes = 3", "pcie.lanes"),
        ("generation = 2", "generation = 9", "pcie.generation"),
        ("offset = 0x0a00000", "offset = 0x0900000", "flash.slots.1: it lies over another slot"),
        ("offset = 0x0a00000", "offset = 0x0a00001", "flash.slots.1.offset"),
        ("kind = \"user\"", "kind = \"golden\"", "flash.slots.1.kind"),
        ("cfgbvs = \"VCCO\"", "cfgbvs = \"3V3\"", "configuration.cfgbvs"),
        ("pin = \"G1\"", "pin = \"E6\"", "ties.0.pin: pin E6 is taken: pcie.clock.1"),
        ("select = \"T19\"", "select = \"T199\"", "flash.pins.select"),
        ("select = \"T19\"", "select = \"G1\"", "flash.pins.select: pin G1 is taken: ties.0.pin"),
        ("\"P22\", \"R22\"", "\"P22\", \"P22\"", "flash.pins.dq.1: pin P22 is taken: flash.pins.dq.0"),
        ("\"P21\", \"R21\"]", "\"P21\"]", "flash.pins.dq: 3 pins for 4 lines"),
        ("\"P21\", \"R21\"]", "\"P21\", \"R21\", \"R20\"]", "flash.pins.dq: 5 pins for 4 lines"),
    ] {
        let (message, line) = refused("acorn-cle215.toml", ACORN, from, to);
        assert!(message.contains(expected) && message.contains(&format!("line {line}:")), "{line}: {message}");
    }
    let (message, line) = refused("acorn-cle215.toml", ACORN, "select = \"T19\"", "clock = \"T19\"");
    assert!(
        message.contains("unknown field `clock`") && message.contains(&format!("line {line},")),
        "{line}: {message}"
    );
}

/// Which boards have a port to their flash, and why the others have none.
#[test]
fn a_port_to_the_flash_is_where_it_can_be() {
    for (name, reason) in [
        ("acorn-cle215", None),
        ("kc705", None),
        ("kcu105", None),
        ("kcu116", None),
        ("stlv7325", None),
        ("vcu118", Some("two chips")),
        ("c1100", Some("64 KiB")),
        ("u50", Some("64 KiB")),
        ("ecpix5-85", Some("PCI Express")),
        ("ulx3s-85", Some("PCI Express")),
        ("versa-ecp5-5g", Some("PCI Express")),
    ] {
        let board = find(name, None).unwrap();
        match (board.flash_port(), reason) {
            (Ok(()), None) => {}
            (Err(told), Some(reason)) if told.contains(reason) => {}
            (found, _) => panic!("{name}: {found:?}"),
        }
        let preset = Preset::named(&board.preset).unwrap();
        assert_eq!(hotloop_boards::vivado::config(&board, preset).flash.is_some(), reason.is_none(), "{name}");
    }
    assert_eq!(all().unwrap().len(), 11);
    let mut board = find("acorn-cle215", None).unwrap();
    board.flash.pins = None;
    assert!(board.flash_port().unwrap_err().contains("flash.pins"));
}

/// Pins of a flash that nobody could name are refused.
#[test]
fn only_the_7_series_name_pins_of_the_flash() {
    let pins = "[flash.pins]\nselect = \"A2\"\ndq = [\"B2\", \"C2\", \"D2\", \"E2\"]\nstandard = \"LVCMOS33\"\n";
    let text = ECPIX5.replace("[capacity]", &format!("{pins}\n[capacity]"));
    let line = text[..text.find("[flash.pins]").unwrap()].matches('\n').count() + 1;
    let message = Board::parse(Path::new("ecpix5-85.toml"), &text).unwrap_err().to_string();
    assert!(message.contains(&format!("line {line}: flash.pins: only the 7 series")), "{line}: {message}");
}

#[test]
fn a_missing_file_or_name_says_which() {
    let message = Board::load(Path::new("boards/none.toml")).unwrap_err().to_string();
    assert!(message.contains("boards/none.toml"), "{message}");
    let message = hotloop_boards::load(Path::new("boards/none")).unwrap_err().to_string();
    assert!(message.contains("boards/none"), "{message}");
    let Err(BoardError::Unknown { name, known }) = find("ecpix", None) else { panic!("there is no board ecpix") };
    assert!(name == "ecpix" && known.contains("ecpix5-85"), "{known}");
}

#[test]
fn a_board_of_another_folder_is_found_there() {
    let folder = std::env::temp_dir().join(format!("hotloop-boards-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = ECPIX5.replace("\"ecpix5-85\"", "\"mine\"");
    std::fs::write(folder.join("mine.toml"), text).unwrap();
    let board = find("mine", Some(&folder));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(board.unwrap().name, "mine");
}

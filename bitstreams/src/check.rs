//! What no board can have: a key and why its value is wrong.

use std::collections::HashMap;

use crate::{
    board::{Board, Family, Link, SlotKind, Vendor, SCHEMA},
    ecp5::jump_block,
};

type Wrong = (String, String);

fn wrong<T>(key: impl Into<String>, reason: impl Into<String>) -> Result<T, Wrong> {
    Err((key.into(), reason.into()))
}

/// Checks all values; `stem` is the file's name without `.toml`, `text` the file.
pub fn check(board: &Board, stem: Option<&str>, text: &str) -> Result<(), Wrong> {
    if board.schema != SCHEMA {
        return wrong("schema", format!("this build reads schema {SCHEMA}, not {}", board.schema));
    }
    if stem != Some(board.name.as_str()) {
        return wrong("name", format!("the file of board `{0}` is `{0}.toml`", board.name));
    }
    part(board)?;
    if board.accelerator_mhz.is_some_and(|mhz| !(1.0..=1000.0).contains(&mhz) || board.family != Family::Ecp5) {
        return wrong("accelerator_mhz", "between 1 and 1000 MHz, and for ECP5 boards: others take the preset's");
    }
    if board.seed.is_some() && board.family != Family::Ecp5 {
        return wrong("seed", "for ECP5 boards: others are placed and routed by Vivado");
    }
    if !(1.0..=1000.0).contains(&board.clock.mhz) {
        return wrong("clock.mhz", format!("{} is not between 1 and 1000 MHz", board.clock.mhz));
    }
    pins(board)?;
    link(board)?;
    flash(board)?;
    let c = &board.capacity;
    if c.multipliers == 0 {
        return wrong("capacity.multipliers", "a part without multipliers cannot hold an engine");
    }
    for (i, key) in board.unchecked.iter().enumerate() {
        if !is_there(text, key) {
            return wrong(format!("unchecked.{i}"), format!("the file has no key `{key}`"));
        }
    }
    Ok(())
}

fn is_there(text: &str, key: &str) -> bool {
    let Ok(table) = text.parse::<toml::Table>() else { return false };
    let mut value = &toml::Value::Table(table);
    key.split('.').all(|part| match value.get(part) {
        Some(inner) => {
            value = inner;
            true
        }
        None => false,
    })
}

fn part(board: &Board) -> Result<(), Wrong> {
    if board.family.vendor() != board.vendor {
        return wrong("family", format!("{:?} is not a family of {:?}", board.family, board.vendor));
    }
    if board.idcode & 1 == 0 {
        return wrong("idcode", format!("{:#010x}: bit 0 of an IDCODE is 1 (IEEE 1149.1)", board.idcode));
    }
    if board.idcode_mask & 0x0fff_ffff != 0x0fff_ffff {
        return wrong("idcode_mask", format!("{:#010x}: only the version nibble may be left out", board.idcode_mask));
    }
    // Lattice: `LFE5U-85F-6BG381C` in CABGA381; Xilinx: `xc7a200t-fbg484-3`, with a temperature behind the grade since
    // UltraScale.
    let (package, grade) = match board.vendor {
        Vendor::Lattice => {
            let balls: String = board.package.chars().filter(char::is_ascii_digit).collect();
            let rest = board.part.rsplit('-').next().unwrap_or("");
            (rest.contains(&format!("BG{balls}")), rest.starts_with(&board.speed_grade))
        }
        Vendor::Xilinx => {
            let mut words = board.part.split('-').skip(1);
            let package = words.next() == Some(&board.package);
            (package, words.next() == Some(&board.speed_grade))
        }
    };
    if !package {
        return wrong("package", format!("`{}` is not the package of part {}", board.package, board.part));
    }
    if !grade {
        return wrong("speed_grade", format!("`{}` is not the speed grade of part {}", board.speed_grade, board.part));
    }
    match (&board.configuration, board.vendor) {
        (None, Vendor::Xilinx) => wrong("configuration", "a Xilinx part needs the table: cfgbvs and voltage"),
        (Some(c), _) if c.cfgbvs != "VCCO" && c.cfgbvs != "GND" => {
            wrong("configuration.cfgbvs", format!("`{}` is neither VCCO nor GND", c.cfgbvs))
        }
        (Some(c), _) if ![1.5, 1.8, 2.5, 3.3].contains(&c.voltage) => {
            wrong("configuration.voltage", format!("{} is none of 1.5, 1.8, 2.5, 3.3", c.voltage))
        }
        _ => Ok(()),
    }
}

fn pins(board: &Board) -> Result<(), Wrong> {
    let mut seen: HashMap<String, String> = HashMap::new();
    for pin in board.pins() {
        let letters = pin.pin.chars().take_while(char::is_ascii_uppercase).count();
        let digits = pin.pin[letters..].chars().filter(char::is_ascii_digit).count();
        if !(1..=2).contains(&letters) || !(1..=2).contains(&digits) || letters + digits != pin.pin.chars().count() {
            return wrong(pin.key, format!("`{}` is no package pin, such as A1 or AB23", pin.pin));
        }
        if let Some(other) = seen.insert(pin.pin.clone(), pin.key.clone()) {
            return wrong(pin.key, format!("pin {} is taken: {other}", pin.pin));
        }
    }
    Ok(())
}

fn link(board: &Board) -> Result<(), Wrong> {
    match (board.link, &board.pcie, &board.uart) {
        (Link::Pcie, None, _) => return wrong("link", "a board on PCI Express needs the table `pcie`"),
        (Link::Uart, _, None) => return wrong("link", "a board on a serial line needs the table `uart`"),
        (Link::Pcie, ..) if board.family == Family::Ecp5 => {
            return wrong("link", "there is no open PCI Express block for ECP5: `uart`")
        }
        _ => {}
    }
    if let Some(uart) = &board.uart {
        if !(1200..=12_000_000).contains(&uart.baud) {
            return wrong("uart.baud", format!("{} is not between 1200 and 12000000", uart.baud));
        }
    }
    let Some(pcie) = &board.pcie else { return Ok(()) };
    if !(1..=4).contains(&pcie.generation) {
        return wrong("pcie.generation", format!("{} is not 1 to 4", pcie.generation));
    }
    if ![1, 2, 4, 8, 16].contains(&pcie.lanes) {
        return wrong("pcie.lanes", format!("{} is none of 1, 2, 4, 8, 16", pcie.lanes));
    }
    let lists = [("rx_p", &pcie.rx_p), ("rx_n", &pcie.rx_n), ("tx_p", &pcie.tx_p), ("tx_n", &pcie.tx_n)];
    for (name, list) in lists {
        if list.len() != pcie.lanes as usize {
            return wrong(format!("pcie.{name}"), format!("{} pins for {} lanes", list.len(), pcie.lanes));
        }
    }
    Ok(())
}

fn flash(board: &Board) -> Result<(), Wrong> {
    let flash = &board.flash;
    if ![1, 2, 4, 8].contains(&flash.width) {
        return wrong("flash.width", format!("{} is none of 1, 2, 4, 8", flash.width));
    }
    if flash.board.is_none() && flash.cable.is_none() {
        return wrong("flash.board", "name the board or the cable, or the program will not find it");
    }
    match &flash.pins {
        Some(_) if board.family != Family::Series7 => {
            return wrong("flash.pins", "only the 7 series have a flash on pins that a design names")
        }
        Some(pins) if pins.dq.len() != 4 => {
            return wrong("flash.pins.dq", format!("{} pins for 4 lines", pins.dq.len()))
        }
        _ => {}
    }
    for (i, slot) in flash.slots.iter().enumerate() {
        let end = slot.offset.checked_add(slot.bytes);
        if slot.bytes == 0 || end.is_none_or(|end| end > flash.bytes) {
            return wrong(format!("flash.slots.{i}"), format!("it does not lie in {} bytes of flash", flash.bytes));
        }
        let block = jump_block(flash.bytes);
        if board.family == Family::Ecp5 && end.is_some_and(|end| end > block) {
            let reason =
                format!("an ECP5's slots end at {block:#x}: behind it is the jump page, and what it cannot address");
            return wrong(format!("flash.slots.{i}"), reason);
        }
        // Sectors of the flashes are 64 KiB, or 4 KiB where they may be erased alone.
        if slot.offset % 4096 != 0 {
            return wrong(format!("flash.slots.{i}.offset"), "a slot begins at a sector: a multiple of 4096");
        }
        for other in &flash.slots[..i] {
            if slot.kind == other.kind {
                return wrong(format!("flash.slots.{i}.kind"), "one slot of each kind");
            }
            if slot.offset < other.offset + other.bytes && other.offset < slot.offset + slot.bytes {
                return wrong(format!("flash.slots.{i}"), "it lies over another slot");
            }
        }
    }
    for (kind, name) in [(SlotKind::Golden, "golden"), (SlotKind::User, "user")] {
        if flash.slot(kind).is_none() {
            return wrong("flash.slots", format!("there is no {name} slot"));
        }
    }
    Ok(())
}

//! The schema of a board file.

use hotloop_regs::map::FLASH_BLOCK_BYTES;
use serde::{Deserialize, Serialize};

/// The version of the schema that this crate reads.
pub const SCHEMA: u32 = 1;

/// One board, as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Version of the schema: [`SCHEMA`].
    pub schema: u32,
    /// Name in commands; the file is `<name>.toml`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Whose part it is.
    pub vendor: Vendor,
    /// Which of the vendor's families: what multipliers are made of, and which PCIe block there is.
    pub family: Family,
    /// The part with package and speed grade, as the vendor's tools take it.
    pub part: String,
    /// The package, as place and route takes it.
    pub package: String,
    /// The speed grade: a part of `part`.
    pub speed_grade: String,
    /// JTAG IDCODE of the part.
    pub idcode: u32,
    /// Bits of the IDCODE that tell parts apart: without the version nibble on Xilinx parts.
    pub idcode_mask: u32,
    /// The preset it carries.
    pub preset: String,
    /// ECP5: the accelerator's clock in MHz, where it is not the preset's: what this board's image reaches.
    pub accelerator_mhz: Option<f64>,
    /// ECP5: the seed of place and route with which this board's image meets its timing; 1 where there is none.
    pub seed: Option<u64>,
    /// How the host reaches the accelerator.
    pub link: Link,
    /// Keys whose values have no public source that could be looked at: a lab checks them before it trusts them.
    #[serde(default)]
    pub unchecked: Vec<String>,
    /// The oscillator.
    pub clock: Clock,
    /// A button or a signal that resets.
    pub reset: Option<Reset>,
    /// LEDs.
    pub leds: Option<Leds>,
    /// The serial line, for a board whose link it is.
    pub uart: Option<Uart>,
    /// The PCI Express edge, for a board whose link it is.
    pub pcie: Option<Pcie>,
    /// Outputs that must have a value all the time.
    #[serde(default)]
    pub ties: Vec<Tie>,
    /// Voltages of the configuration bank, for Xilinx parts.
    pub configuration: Option<Configuration>,
    /// How an image gets on it.
    pub flash: Flash,
    /// What the part has.
    pub capacity: Capacity,
}

/// Vendor of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Lattice: the open flow.
    Lattice,
    /// AMD (Xilinx): a Vivado project.
    Xilinx,
}

/// Family of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// ECP5 and ECP5-5G.
    Ecp5,
    /// Xilinx 7 series.
    Series7,
    /// Xilinx UltraScale.
    Ultrascale,
    /// Xilinx UltraScale+.
    UltrascalePlus,
}

impl Family {
    /// Whose family it is.
    pub fn vendor(self) -> Vendor {
        match self {
            Family::Ecp5 => Vendor::Lattice,
            Family::Series7 | Family::Ultrascale | Family::UltrascalePlus => Vendor::Xilinx,
        }
    }
}

/// Link between host and board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// PCI Express.
    Pcie,
    /// A serial line, for bring-up.
    Uart,
}

/// The oscillator.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Package pin, of a pair the positive one.
    pub pin: String,
    /// The other pin of a pair.
    pub negative: Option<String>,
    /// Electrical standard.
    pub standard: String,
    /// Frequency in MHz.
    pub mhz: f64,
}

/// A reset from outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// Package pin.
    pub pin: String,
    /// Electrical standard.
    pub standard: String,
    /// Whether it resets while low.
    pub active_low: bool,
}

/// LEDs, all of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leds {
    /// Package pins.
    pub pins: Vec<String>,
    /// Electrical standard.
    pub standard: String,
    /// Whether a LED lights while its pin is low.
    pub active_low: bool,
}

/// The serial line. Directions are the FPGA's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uart {
    /// Package pin that the FPGA listens on.
    pub rx: String,
    /// Package pin that the FPGA talks on.
    pub tx: String,
    /// Electrical standard.
    pub standard: String,
    /// Bits a second.
    pub baud: u32,
}

/// The PCI Express edge. Lists of pins begin with lane 0. Directions are the FPGA's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pcie {
    /// Generation, 1 to 4.
    pub generation: u32,
    /// Lanes: 1, 2, 4, 8 or 16.
    pub lanes: u32,
    /// PCI vendor ID.
    pub vendor_id: u16,
    /// PCI device ID.
    pub device_id: u16,
    /// Reference clock of 100 MHz: positive and negative pin.
    pub clock: [String; 2],
    /// PERST#.
    pub reset: String,
    /// Electrical standard of PERST#.
    pub reset_standard: String,
    /// Receivers, positive pins.
    pub rx_p: Vec<String>,
    /// Receivers, negative pins.
    pub rx_n: Vec<String>,
    /// Transmitters, positive pins.
    pub tx_p: Vec<String>,
    /// Transmitters, negative pins.
    pub tx_n: Vec<String>,
    /// Which of the part's PCIe blocks, as Vivado names it (`X0Y1`), where it is known; Vivado's choice otherwise.
    pub block: Option<String>,
}

/// An output that must have one value all the time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tie {
    /// What it is: the port's name.
    pub name: String,
    /// Package pin.
    pub pin: String,
    /// Electrical standard.
    pub standard: String,
    /// The value.
    pub value: bool,
}

/// The configuration bank of a Xilinx part.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// What pin CFGBVS is tied to: `VCCO` or `GND`.
    pub cfgbvs: String,
    /// Volts of the bank.
    pub voltage: f64,
}

/// How an image gets on the board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// The program that does it.
    pub backend: Backend,
    /// The board's name in that program.
    pub board: Option<String>,
    /// The cable's name in that program, where the board's name does not imply it.
    pub cable: Option<String>,
    /// The memory's name in that program, for one that must be told.
    pub memory: Option<String>,
    /// Size of the configuration flash.
    pub bytes: u64,
    /// Data lines that configuration reads by: 1, 2, 4, or 8 for two chips side by side.
    pub width: u32,
    /// Places for images.
    pub slots: Vec<Slot>,
    /// 7 series: its pins, for the accelerator's port to it. The clock has a pin of its own, which nobody names.
    pub pins: Option<FlashPins>,
}

/// Pins of a configuration flash that are ordinary ones behind configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlashPins {
    /// Chip select.
    pub select: String,
    /// The four data lines from 0: to the flash, from it, write protect, hold.
    pub dq: Vec<String>,
    /// Electrical standard.
    pub standard: String,
}

impl Flash {
    /// The slot of a kind; every board has both.
    pub fn slot(&self, kind: SlotKind) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.kind == kind)
    }
}

/// A program that flashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Backend {
    /// openFPGALoader.
    #[serde(rename = "openFPGALoader")]
    OpenFpgaLoader,
    /// Vivado's hardware manager.
    #[serde(rename = "vivado")]
    Vivado,
}

/// A place for an image in the flash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// What it is for.
    pub kind: SlotKind,
    /// First byte.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
}

/// What a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotKind {
    /// What the board falls back to: not written without an override.
    Golden,
    /// What it should run.
    User,
}

/// What the part has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Hardware multipliers (MULT18X18D, DSP48).
    pub multipliers: u32,
    /// Look-up tables.
    pub luts: u32,
    /// Flip-flops.
    pub flip_flops: u32,
    /// Block RAM in kilobits, UltraRAM not counted.
    pub ram_kilobits: u32,
}

/// A package pin with the key that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The key, as `table.key` with places in lists.
    pub key: String,
    /// The pin.
    pub pin: String,
}

impl Board {
    /// Every pin that the file names.
    pub fn pins(&self) -> Vec<Pin> {
        let mut pins = Vec::new();
        let mut put = |key: &str, pin: &String| pins.push(Pin { key: key.into(), pin: pin.clone() });
        put("clock.pin", &self.clock.pin);
        self.clock.negative.iter().for_each(|pin| put("clock.negative", pin));
        self.reset.iter().for_each(|reset| put("reset.pin", &reset.pin));
        for (i, pin) in self.leds.iter().flat_map(|leds| &leds.pins).enumerate() {
            put(&format!("leds.pins.{i}"), pin);
        }
        if let Some(uart) = &self.uart {
            put("uart.rx", &uart.rx);
            put("uart.tx", &uart.tx);
        }
        if let Some(pcie) = &self.pcie {
            let lists = [("rx_p", &pcie.rx_p), ("rx_n", &pcie.rx_n), ("tx_p", &pcie.tx_p), ("tx_n", &pcie.tx_n)];
            for (name, list) in lists {
                list.iter().enumerate().for_each(|(i, pin)| put(&format!("pcie.{name}.{i}"), pin));
            }
            pcie.clock.iter().enumerate().for_each(|(i, pin)| put(&format!("pcie.clock.{i}"), pin));
            put("pcie.reset", &pcie.reset);
        }
        for (i, tie) in self.ties.iter().enumerate() {
            put(&format!("ties.{i}.pin"), &tie.pin);
        }
        if let Some(flash) = &self.flash.pins {
            put("flash.pins.select", &flash.select);
            flash.dq.iter().enumerate().for_each(|(i, pin)| put(&format!("flash.pins.dq.{i}"), pin));
        }
        pins
    }

    /// Whether the accelerator has a port to the board's flash, or why not.
    pub fn flash_port(&self) -> Result<(), &'static str> {
        let whole =
            |slot: &Slot| slot.offset.is_multiple_of(FLASH_BLOCK_BYTES) && slot.bytes.is_multiple_of(FLASH_BLOCK_BYTES);
        if self.link != Link::Pcie {
            return Err("it is not on PCI Express");
        }
        if self.flash.width > 4 {
            return Err("its flash is two chips side by side, each with a half of every byte");
        }
        if !self.flash.slots.iter().all(whole) {
            return Err("its slots do not begin and end with the flash's erase blocks of 64 KiB");
        }
        if self.family == Family::Series7 && self.flash.pins.is_none() {
            return Err("its file does not name the flash's pins: table `flash.pins`");
        }
        Ok(())
    }
}

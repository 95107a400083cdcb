//! What an ECP5 board's image is made of, and how the open flow (Yosys, nextpnr-ecp5, ecppack) is told to make it.

mod carry;
mod error;
mod floorplan;
mod jump;
mod lpf;
mod netlist;
mod pll;
mod report;
mod top;

use hotloop_hdl::{accelerator, bus::Bus, datapath::Design, link::Link, presets::Preset, Config};
use hotloop_regs::{ABI, MAP_HASH};

use crate::{
    board::{Board, Capacity, Family, SlotKind},
    hex::{Hex32, Hex64},
    image,
    manifest::{
        abi_text, accelerator_uuid, interface_uuid, sha256, Features, Format, Git, Kind, Manifest, Place, Share,
        Source, Utilisation, MANIFEST_VERSION,
    },
};

pub use carry::Shortened;
pub use error::BuildError;
use floorplan::Floorplan;
pub use jump::{jump_block, JumpPage};
use netlist::Netlist;
pub use pll::Pll;
pub use report::Report;
pub use top::TOP;

/// What Yosys writes.
pub const SYNTHESISED: &str = "synthesised.json";
/// What nextpnr reads to place it.
pub const NETLIST: &str = "top.json";
/// What it writes then, and reads to route it.
pub const PLACED: &str = "placed.json";
/// What it says of the result.
pub const REPORT: &str = "report.json";

/// How much more than the clock placing is asked for: paths that would miss that are placed closer, and routing takes detours.
const PLACED_SHARE: f64 = 1.2;
/// A PLL's clock may be off what was asked for by this share of it; the manifest has what it is.
const NEAR: f64 = 0.02;
/// A bit of the serial line may be off what was asked for by this share of it: half of what the receiver allows, which
/// leaves as much for the other end (docs/serial.md).
const NEAR_BAUD: f64 = 0.02;

/// What goes into the flow.
pub struct Build {
    /// Name and text of each file, in the folder where the tools run.
    pub files: Vec<(String, String)>,
    /// Identity of the accelerator. Its low half is the user code.
    pub build_id: u64,
    /// Clock of the accelerator in MHz: what the PLL makes.
    pub clock_mhz: f64,
    /// The PLL.
    pub pll: Pll,
    /// Bits a second of the serial line, as the board's file has it.
    pub baud: u32,
    /// Preset of the accelerator.
    pub preset: String,
    device: &'static str,
    sets: Vec<String>,
    floorplan: Option<Floorplan>,
}

/// What the tools made.
pub struct Made<'a> {
    /// Name of the image.
    pub file: &'a str,
    /// The image.
    pub bytes: &'a [u8],
    /// nextpnr's report.
    pub report: &'a Report,
    /// Seed of place and route.
    pub seed: u64,
    /// Programs and versions.
    pub tools: &'a [(String, String)],
    /// The sources.
    pub git: Option<Git>,
}

/// nextpnr's option for a part.
fn device(part: &str) -> Option<&'static str> {
    let (family, rest) = part.split_once('-')?;
    Some(match (family, rest.split('-').next()?) {
        ("LFE5U", "12F") => "--12k",
        ("LFE5U", "25F") => "--25k",
        ("LFE5U", "45F") => "--45k",
        ("LFE5U", "85F") => "--85k",
        ("LFE5UM", "25F") => "--um-25k",
        ("LFE5UM", "45F") => "--um-45k",
        ("LFE5UM", "85F") => "--um-85k",
        ("LFE5UM5G", "25F") => "--um5g-25k",
        ("LFE5UM5G", "45F") => "--um5g-45k",
        ("LFE5UM5G", "85F") => "--um5g-85k",
        _ => return None,
    })
}

/// The accelerator's clock and the serial line's.
fn clocks(board: &Board, mhz: f64, baud: u32) -> Result<(Pll, Link), BuildError> {
    let (name, from_mhz) = (board.name.clone(), board.clock.mhz);
    let pll = Pll::new(from_mhz, mhz).filter(|pll| (pll.mhz() / mhz - 1.0).abs() < NEAR);
    let pll = pll.ok_or_else(|| BuildError::Pll { board: name.clone(), from_mhz, mhz })?;
    let hertz = pll.mhz() * 1e6;
    let line = Link::new(hertz as u32, baud);
    let made = hertz / f64::from(line.divider.max(1));
    if line.divider < 4 || (made / f64::from(baud) - 1.0).abs() > NEAR_BAUD {
        return Err(BuildError::Line { board: name, mhz: pll.mhz(), baud });
    }
    Ok((pll, line))
}

impl Build {
    /// The files of a board with its preset or another one, and with the board's clock, else the preset's, or another one.
    /// Presets for simulation get the bus of small parts and the clock of the board's own preset.
    pub fn new(board: &Board, preset: &str, clock_mhz: Option<f64>) -> Result<Build, BuildError> {
        if board.family != Family::Ecp5 {
            return Err(BuildError::Board { board: board.name.clone() });
        }
        let (name, part) = (board.name.clone(), board.part.clone());
        let device = device(&board.part).ok_or(BuildError::Part { board: name.clone(), part })?;
        let unknown = |preset: &str| BuildError::Preset { preset: preset.into() };
        let own = Preset::named(&board.preset).ok_or_else(|| unknown(&board.preset))?;
        let config = match Preset::named(preset) {
            Some(preset) => crate::vivado::config(board, preset),
            None => {
                let config = Config::preset(preset).ok_or_else(|| unknown(preset))?;
                Config { bus: Bus::Narrow, multiplier: own.part.multiplier, flash: None, ..config }
            }
        };
        if config.bus != Bus::Narrow {
            return Err(BuildError::Bus { preset: preset.into() });
        }
        let baud = board.uart.as_ref().ok_or(BuildError::Uart { board: name })?.baud;
        let wanted = clock_mhz.or(board.accelerator_mhz);
        let wanted = wanted.unwrap_or_else(|| Preset::named(preset).unwrap_or(own).clock_mhz.into());
        let (pll, line) = clocks(board, wanted, baud)?;
        let (netlist, designs) = top::top(board, &config, &pll, &line);
        let mut files = vec![
            (format!("{TOP}.lpf"), lpf::lpf(board, pll.mhz() * PLACED_SHARE)),
            (format!("{TOP}.v"), netlist.verilog(TOP)),
        ];
        for file in designs.iter().flat_map(Design::verilog) {
            // Models of the vendor's cells are for simulation; Yosys has its own.
            if !hotloop_hdl::primitives::ALL.iter().any(|primitive| primitive.name == file.name) {
                files.push((format!("{}.v", file.name), file.text));
            }
        }
        Ok(Build {
            files,
            build_id: accelerator::build_id(&config),
            clock_mhz: pll.mhz(),
            pll,
            baud,
            preset: preset.into(),
            device,
            sets: vec![config.set.set.name().to_owned()],
            floorplan: Floorplan::of(preset, &board.part).map_err(BuildError::Result)?,
        })
    }

    /// What Yosys is told. Modules are mapped one by one, each once however often it is placed, and joined afterwards.
    pub fn yosys(&self) -> Vec<String> {
        let sources: Vec<&str> =
            self.files.iter().map(|(name, _)| name.as_str()).filter(|name| name.ends_with(".v")).collect();
        let script = format!(
            "read_verilog -sv {}; synth_ecp5 -noflatten -top {TOP}; flatten; opt_clean -purge; \
             setattr -unset src */w:* */c:*; write_json {SYNTHESISED}",
            sources.join(" ")
        );
        vec!["-p".into(), script]
    }

    /// What nextpnr gets, of what Yosys wrote as [`SYNTHESISED`]; and how many carry chains are shorter, how many cells placed.
    pub fn netlist(&self, synthesised: &[u8]) -> Result<(String, Shortened, usize), BuildError> {
        let mut netlist = Netlist::parse(synthesised, TOP).map_err(BuildError::Result)?;
        let shortened = netlist.shorten_carries();
        let placed = self.floorplan.as_ref().map_or(Ok(0), |plan| netlist.place(plan)).map_err(BuildError::Result)?;
        Ok((netlist.to_json(), shortened, placed))
    }

    /// What nextpnr is told first: to place, into [`PLACED`]. That has the settings of both runs: the second takes them from
    /// there, whatever it is told.
    pub fn place(&self, board: &Board, seed: u64) -> Vec<String> {
        let (seed, mhz) = (seed.to_string(), (self.clock_mhz * PLACED_SHARE).to_string());
        let placed = ["--json", NETLIST, "--seed", &seed, "--freq", &mhz, "--no-route", "--write", PLACED];
        // What is nearly full stays twice as compact as with the default placer, and of what is placed so, only this router, which takes
        // away one net for another, ends its conflicts (docs/design.md).
        self.nextpnr(board, &[&placed[..], &["--placer", "static", "--router", "router1"]].concat())
    }

    /// What it is told then: to route. Timing that is not met is for [`Build::manifest`] to refuse, which has the report then.
    ///
    /// A run of its own, so that a placement can be routed again by hand.
    pub fn route(&self, board: &Board) -> Vec<String> {
        let written = ["--report", REPORT, "--textcfg", "top.config"];
        self.nextpnr(board, &[&["--json", PLACED, "--no-pack", "--no-place"][..], &written].concat())
    }

    fn nextpnr(&self, board: &Board, more: &[&str]) -> Vec<String> {
        let lpf = format!("{TOP}.lpf");
        let words = [
            self.device,
            "--package",
            &board.package,
            "--speed",
            &board.speed_grade,
            "--lpf",
            &lpf,
            "--timing-allow-fail",
        ];
        words.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    /// What ecppack is told. A user code in decimal: it takes no other.
    pub fn ecppack(&self, image: &str) -> Vec<String> {
        let usercode = (self.build_id as u32).to_string();
        ["--compress", "--usercode", &usercode, "top.config", image].map(str::to_owned).to_vec()
    }

    /// The highest clock in whole MHz that PLL and line make and that `fmax` allows.
    fn slower(&self, board: &Board, fmax: f64) -> Option<u32> {
        (1..=fmax as u32).rev().find(|&mhz| {
            clocks(board, mhz.into(), self.baud).is_ok_and(|(pll, _)| pll.mhz() <= fmax.min(self.clock_mhz))
        })
    }

    /// The manifest of what was made; refused where timing is not met, or the image is not the board's.
    pub fn manifest(&self, board: &Board, made: Made) -> Result<Manifest, BuildError> {
        let (net, fmax) = made.report.clock().map_err(BuildError::Result)?;
        if fmax < self.clock_mhz {
            let clock = format!("{net} reaches {fmax:.1} of {:.1} MHz", self.clock_mhz);
            let path = made.report.slowest_path().unwrap_or_else(|| "nextpnr does not say".into());
            let next = self.slower(board, fmax).map_or_else(String::new, |mhz| format!("a lower --clock ({mhz}) or "));
            return Err(BuildError::Timing { clock, path, next });
        }
        let found = image::inspect(made.bytes).map_err(|e| BuildError::Result(format!("{}: {e}", made.file)))?;
        if (found.idcode ^ board.idcode) & board.idcode_mask != 0 {
            let (is, right) = (Hex32(found.idcode), Hex32(board.idcode));
            return Err(BuildError::Result(format!("ecppack's image is for IDCODE {is}, not {right}")));
        }
        let slot = board.flash.slot(SlotKind::User);
        if slot.is_some_and(|slot| made.bytes.len() as u64 > slot.bytes) {
            let bytes = made.bytes.len();
            return Err(BuildError::Result(format!("the image's {bytes} bytes are more than the user slot has")));
        }
        Ok(Manifest {
            manifest_version: MANIFEST_VERSION,
            kind: Kind::Bitstream,
            board: board.name.clone(),
            part: board.part.clone(),
            idcode: Hex32(board.idcode),
            file: made.file.into(),
            format: Format::Bit,
            sha256: sha256(made.bytes),
            size: made.bytes.len() as u64,
            abi: abi_text(ABI),
            register_map_hash: Hex64(MAP_HASH),
            build_id: Hex64(self.build_id),
            interface_uuid: interface_uuid(ABI, MAP_HASH),
            accelerator_uuid: accelerator_uuid(&self.preset, self.build_id),
            pci: None,
            git: made.git,
            tools: made.tools.iter().cloned().collect(),
            seed: Some(made.seed),
            clock_mhz: self.clock_mhz,
            // What is behind 10 kHz says nothing.
            fmax_mhz: Some((fmax * 100.0).floor() / 100.0),
            utilisation: utilisation(&board.capacity, made.report),
            features: Features { preset: self.preset.clone(), sets: self.sets.clone() },
            flash: Place { offset: slot.map_or(0, |slot| slot.offset), slot: SlotKind::User },
            signature: None,
        })
    }
}

/// What of the part is taken, by nextpnr's names of cells.
fn utilisation(capacity: &Capacity, report: &Report) -> Utilisation {
    let share = |cell, available: u32| Share { used: report.used(cell), available: available.into() };
    Utilisation {
        source: Source::Routed,
        multipliers: share("MULT18X18D", capacity.multipliers),
        memories: share("DP16KD", capacity.ram_kilobits / 18),
        luts: share("TRELLIS_COMB", capacity.luts),
        registers: share("TRELLIS_FF", capacity.flip_flops),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(name: &str) -> Board {
        crate::find(name, None).unwrap()
    }

    fn refused(build: &Build, board: &Board, bytes: &[u8], reached: f64) -> String {
        let report =
            format!(r#"{{"fmax": {{"clk": {{"achieved": {reached}, "constraint": 75.0}}}}, "utilization": {{}}}}"#);
        let report = Report::parse(report.as_bytes()).unwrap();
        let made = Made { file: "a.bit", bytes, report: &report, seed: 1, tools: &[], git: None };
        build.manifest(board, made).unwrap_err().to_string()
    }

    #[test]
    fn what_misses_its_timing_or_is_for_another_part_has_no_manifest() {
        let board = board("ecpix5-85");
        let build = Build::new(&board, "link", Some(75.0)).unwrap();
        assert_eq!(build.clock_mhz, 75.0);
        let text = refused(&build, &board, &[], 74.9);
        assert!(text.contains("clk reaches 74.9 of 75.0 MHz"), "{text}");
        // As fast as that allows and the line's 3 Mbaud can be made from.
        assert!(text.contains("a lower --clock (74)"), "{text}");
        // The first commands of an image for an LFE5U-85F: reset of the CRC, VERIFY_ID.
        let other = [0xff, 0xff, 0xbd, 0xb3, 0x3b, 0, 0, 0, 0xe2, 0, 0, 0, 0x41, 0x11, 0x30, 0x43];
        let text = refused(&build, &board, &other, 80.0);
        assert!(text.contains("0x41113043, not 0x81113043"), "{text}");
        assert!(refused(&build, &board, b"nothing", 80.0).contains("a.bit: "));
    }

    #[test]
    fn every_ecp5_board_has_its_pins_its_clock_and_a_part_that_nextpnr_knows() {
        for board in crate::all().unwrap().iter().filter(|board| board.family == Family::Ecp5) {
            let build = Build::new(board, "link", None).unwrap();
            let text = |name: &str| &build.files.iter().find(|(file, _)| file == name).unwrap().1;
            let (lpf, top) = (text("top.lpf"), text("top.v"));
            for pin in board.pins() {
                assert_eq!(lpf.matches(&format!("SITE \"{}\"", pin.pin)).count(), 1, "{}: {}", board.name, pin.key);
            }
            for line in lpf.lines().filter_map(|line| line.strip_prefix("LOCATE COMP \"")) {
                let port = line.split('"').next().unwrap();
                assert!(top.contains(&format!("wire {port},")) || top.contains(&format!("wire {port}\n")), "{port}");
            }
            let own = Preset::named(&board.preset).unwrap();
            let mhz = board.accelerator_mhz.unwrap_or(own.clock_mhz.into());
            assert_eq!((build.clock_mhz, build.baud), (mhz, 3_000_000), "{}", board.name);
            assert!(build.place(board, 1)[0].ends_with('k'), "{}", board.name);
        }
        let wrong =
            |name: &str, preset: &str, clock| Build::new(&board(name), preset, clock).err().unwrap().to_string();
        assert!(wrong("kc705", "link", None).contains("no ECP5"));
        assert!(wrong("ecpix5-85", "none", None).contains("no preset `none`"));
        assert!(wrong("ecpix5-85", "link", Some(0.5)).contains("no dividers"));
        assert!(wrong("ecpix5-85", "c1100", None).contains("bus of 512 bits"));
        assert!(wrong("ecpix5-85", "link", Some(10.0)).contains("10 MHz make no 3000000 bits a second"));
    }
}

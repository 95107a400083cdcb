//! Vivado projects: a Tcl script, constraints and Verilog, from a board and a preset.
//!
//! What is generated here was never run in Vivado. The tests run the script in Tcl with commands that record their calls,
//! let Yosys elaborate the whole design with the IP as black boxes, and compare ports and pins with their sources.

mod axi;
mod bridge;
mod constraints;
mod flash;
pub(crate) mod logic;
mod monitor;
pub(crate) mod netlist;
mod shell;
mod synthesis;
mod tcl;

use hotloop_hdl::{accelerator, datapath::Area, field::MultiplierLeaf, flash::FlashPort, presets::Preset, Config};
use hotloop_regs::{ABI, MAP_HASH};

use crate::{
    board::{Board, Family, SlotKind},
    hex::{Hex32, Hex64},
    image::Image,
    manifest::{
        abi_text, accelerator_uuid, interface_uuid, sha256, Features, Format, Git, Kind, Manifest, PciIds, Place,
        Share, Source, Utilisation, MANIFEST_VERSION,
    },
};

pub use netlist::{Block, Port};
pub use synthesis::{counted, COUNTS};

/// IP of the vendor's catalogue with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Name in the catalogue.
    pub core: &'static str,
    /// Version in the catalogue.
    pub version: &'static str,
    /// The module that it becomes.
    pub block: Block,
    /// Settings: `CONFIG.<key>` and its value.
    pub settings: Vec<(&'static str, String)>,
}

impl Ip {
    fn new(core: &'static str, version: &'static str, block: Block, settings: &[(&'static str, String)]) -> Ip {
        Ip { core, version, block, settings: settings.to_vec() }
    }
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The board's part is not one of Vivado's, or it is not on PCI Express.
    #[error("{board} is no Xilinx board on PCI Express: `hotloop bitstream build {board}` makes its image")]
    Board {
        /// The board.
        board: String,
    },
    /// The preset is not there.
    #[error("board {board} names preset `{preset}`, which this build does not have; `hotloop presets` lists them")]
    Preset {
        /// The board.
        board: String,
        /// The preset.
        preset: String,
    },
    /// An image is not one of the board's project.
    #[error("this is no image of {board}'s project: {reason}")]
    Image {
        /// The board.
        board: String,
        /// Why.
        reason: String,
    },
    /// The family's PCI Express block has no such link.
    #[error(
        "{board}: a link of generation {generation} with {lanes} lanes is not among those that are known: \
         7 series 2x4 and 2x8, UltraScale 3x8, UltraScale+ 3x8 and 3x16"
    )]
    Link {
        /// The board.
        board: String,
        /// Generation.
        generation: u32,
        /// Lanes.
        lanes: u32,
    },
}

/// A project.
#[derive(Debug)]
pub struct Project {
    /// Name and text of each file; the first is the script, the others lie in a folder beside it.
    pub files: Vec<(String, String)>,
    /// The IP in it.
    pub ips: Vec<Ip>,
    /// Cells of the vendor's library in the shell, known by their ports.
    pub cells: Vec<Block>,
    /// Ports of the top with the key of each pin.
    pub pins: Vec<(String, String)>,
    /// What the accelerator takes of the part, by the area model until Yosys has counted ([`counted`]); the shell is not in it.
    pub estimate: Area,
    /// What the board's part has.
    pub capacity: Area,
    /// Identity of the accelerator.
    pub build_id: u64,
    /// Clock of the accelerator in MHz: the preset's, an assumption until timing analysis has run.
    pub clock_mhz: u32,
    /// Parameter sets of the accelerator.
    pub sets: Vec<String>,
}

/// The accelerator's port to the board's flash, where there is a way to it.
fn flash_port(board: &Board) -> Option<FlashPort> {
    board.flash_port().is_ok().then_some(FlashPort::BOARD)
}

/// The accelerator of a board: its preset, with products made of what the board's part has, and with the board's port to
/// the flash.
pub fn config(board: &Board, preset: &Preset) -> Config {
    let multiplier = match board.family {
        Family::Ecp5 => MultiplierLeaf::Ecp5,
        Family::Series7 => MultiplierLeaf::Xilinx7,
        Family::Ultrascale | Family::UltrascalePlus => MultiplierLeaf::Xilinx,
    };
    Config { multiplier, flash: flash_port(board), ..preset.config() }
}

impl Project {
    /// The project of a board with its preset.
    pub fn new(board: &Board) -> Result<Project, ProjectError> {
        let preset = Preset::named(&board.preset)
            .ok_or_else(|| ProjectError::Preset { board: board.name.clone(), preset: board.preset.clone() })?;
        Project::with(board, &config(board, preset), preset.clock_mhz)
    }

    /// The project of a board with another accelerator; whether that has a port to the flash, the board decides.
    pub fn with(board: &Board, config: &Config, clock_mhz: u32) -> Result<Project, ProjectError> {
        let config = &Config { flash: flash_port(board), ..config.clone() };
        let (Some(pcie), Some(voltages)) = (&board.pcie, &board.configuration) else {
            return Err(ProjectError::Board { board: board.name.clone() });
        };
        let shell = shell::shell(board, pcie, config, clock_mhz)?;
        let build_id = accelerator::build_id(config);
        let folder = &board.name;
        let mut files = vec![(format!("{folder}/rtl/{}.v", shell::TOP), shell.netlist.verilog(shell::TOP))];
        for file in shell.designs.iter().flat_map(|design| design.verilog()) {
            // Models of the vendor's cells are for simulation; Vivado has its own.
            if !hotloop_hdl::primitives::ALL.iter().any(|primitive| primitive.name == file.name) {
                files.push((format!("{folder}/rtl/{}.v", file.name), file.text));
            }
        }
        for (name, text) in [
            ("pins", constraints::pins(board, pcie, &shell)),
            ("timing", constraints::timing(&shell)),
            ("configuration", constraints::configuration(board, voltages, build_id)),
        ] {
            files.push((format!("{folder}/constraints/{name}.xdc"), text));
        }
        let script = tcl::script(board, &shell.ips, &files);
        files.insert(0, (format!("{}-project.tcl", board.name), script));
        let estimate = shell.designs[0].top().area(hotloop_hdl::datapath::Family::Xilinx);
        let c = &board.capacity;
        let capacity = Area {
            multipliers: c.multipliers.into(),
            memories: u64::from(c.ram_kilobits) / 18,
            luts: c.luts.into(),
            registers: c.flip_flops.into(),
        };
        let sets = vec![config.set.set.name().to_owned()];
        let (ips, cells, pins) = (shell.ips, shell.cells, shell.pins);
        Ok(Project { files, ips, cells, pins, estimate, capacity, build_id, clock_mhz, sets })
    }

    /// The manifest of an image that was made from the project: its file's name and bytes, what the image says about itself,
    /// and what timing analysis said, if that is known. The utilisation stays the estimate.
    pub fn image_manifest(
        &self,
        board: &Board,
        git: Option<Git>,
        (file, bytes): (&str, &[u8]),
        image: &Image,
        fmax_mhz: Option<f64>,
    ) -> Result<Manifest, ProjectError> {
        let wrong = |reason: String| Err(ProjectError::Image { board: board.name.clone(), reason });
        if (image.idcode ^ board.idcode) & board.idcode_mask != 0 {
            return wrong(format!("it is for a part with IDCODE {}, not {}", Hex32(image.idcode), Hex32(board.idcode)));
        }
        if image.user_id != Some(self.build_id as u32) {
            let found = image.user_id.map_or("none".into(), |id| Hex32(id).to_string());
            let right = Hex32(self.build_id as u32);
            return wrong(format!("its USERID is {found}, not {right}: it was made from another project"));
        }
        let slot = board.flash.slot(SlotKind::User);
        if slot.is_none_or(|slot| bytes.len() as u64 > slot.bytes) {
            return wrong(format!("its {} bytes are more than the user slot has", bytes.len()));
        }
        let version = image.version.clone().unwrap_or_else(|| "unknown".into());
        let manifest = self.manifest(board, git, &[("vivado", &version)]);
        Ok(Manifest {
            kind: Kind::Bitstream,
            file: file.into(),
            format: Format::Bit,
            sha256: sha256(bytes),
            size: bytes.len() as u64,
            fmax_mhz,
            ..manifest
        })
    }

    /// The manifest of the script. The script holds the hashes of all other files, so its hash covers them.
    pub fn manifest(&self, board: &Board, git: Option<Git>, tools: &[(&str, &str)]) -> Manifest {
        let (file, text) = self.files.first().cloned().unwrap_or_default();
        let share = |used, available| Share { used, available };
        let (e, c) = (&self.estimate, &self.capacity);
        Manifest {
            manifest_version: MANIFEST_VERSION,
            kind: Kind::Project,
            board: board.name.clone(),
            part: board.part.clone(),
            idcode: Hex32(board.idcode),
            file,
            format: Format::Tcl,
            sha256: sha256(text.as_bytes()),
            size: text.len() as u64,
            abi: abi_text(ABI),
            register_map_hash: Hex64(MAP_HASH),
            build_id: Hex64(self.build_id),
            interface_uuid: interface_uuid(ABI, MAP_HASH),
            accelerator_uuid: accelerator_uuid(&board.preset, self.build_id),
            pci: board.pcie.as_ref().map(|pcie| PciIds { vendor: pcie.vendor_id, device: pcie.device_id }),
            git,
            tools: tools.iter().map(|(name, version)| (name.to_string(), version.to_string())).collect(),
            seed: None,
            clock_mhz: self.clock_mhz.into(),
            fmax_mhz: None,
            utilisation: Utilisation {
                source: Source::Estimate,
                multipliers: share(e.multipliers, c.multipliers),
                memories: share(e.memories, c.memories),
                luts: share(e.luts, c.luts),
                registers: share(e.registers, c.registers),
            },
            features: Features { preset: board.preset.clone(), sets: self.sets.clone() },
            flash: Place {
                offset: board.flash.slot(SlotKind::User).map_or(0, |slot| slot.offset),
                slot: SlotKind::User,
            },
            signature: None,
        }
    }
}

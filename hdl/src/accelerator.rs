//! The top: registers, rings, data movers, engines.
//!
//! ```text
//!  AXI4-Lite ─► registers ─► rings ─► job ─► plan ─┬─► segment walk ─► reader ─► AXI4 reads
//!                   ▲                              ├─► engines  ◄─ data ─┘ │
//!                   └──── counters ◄───────────────┴─► segment walk ─► writer ─► AXI4 writes
//! ```
//!
//! The register file and the internal reset are in the top module; everything else is the module `core`, which the
//! internal reset clears.

use std::rc::Rc;

use hotloop_regs::{map, Register};

use crate::{
    bus,
    command::{
        core::{core, master_inputs, port, MASTER_OUTPUTS, REPORTS, SETTINGS},
        engines::Parts,
        reset::reset_control,
    },
    datapath::{Design, Module, PortDirection, Sig, VerilogFile, Wire, WAIVERS},
    field::{MULTIPLIER_LEAF, SQUARE_LEAF},
    flash, fold, ntt, poseidon, Config,
};

/// Name of the top module.
pub const TOP: &str = "accelerator";

/// Registers of the port to the flash: what it answers, and what it is told.
const FROM_FLASH: [Register; 2] = [map::FLASH_IN, map::FLASH_STATE];
const TO_FLASH: [Register; 2] = [map::FLASH_OUT, map::FLASH_COMMAND];

/// An accelerator with everything below it.
///
/// Ports, clock `clk` and synchronous reset `rst` aside: an AXI4-Lite slave `s_*` (16 address bits, 32 data bits), an
/// AXI4 master `m_*` (64 address bits, 512 or 64 data bits as [`Config::bus`] says, one ID, INCR bursts of whole beats), `irq` (a pulse per event:
/// bit 0 completions, bit 1 faults, as far as IRQ_ENABLE lets them), `busy`: work is under way, the clock must run;
/// `monitor` and `part_idcode`: what these registers read, from the shell, or 0; and of an accelerator with a port to the flash
/// its wires, `flash_select_n`, `flash_clock`, `flash_mosi` and `flash_miso`.
///
/// Each engine of the board has a clock of its own, `clk_poseidon`, `clk_ntt` and `clk_fold`: copies of `clk` that the shell gates by
/// `run_poseidon` and so on (a BUFGCE or DCCA with that enable). A shell without gates ties all to `clk`.
pub fn design(config: &Config) -> Design {
    design_with(config, build_id(config))
}

/// Identity of the build: what [`hotloop_regs::map::BUILD_ID`] of the design reads. It covers everything but itself.
pub fn build_id(config: &Config) -> u64 {
    identity(&design_with(config, 0).verilog())
}

fn design_with(config: &Config, id: u64) -> Design {
    let parts = Parts {
        poseidon: config.poseidon.is_there().then(|| poseidon::engine(config)),
        ntt: config.ntt.is_there().then(|| ntt::engine(config)),
        fold: config.fold.then(|| fold::engine(config)),
    };
    let counts = [&parts.ntt, &parts.poseidon, &parts.fold].map(|engine| engine.as_ref().map_or(0, multipliers));
    let core = core(config, &parts);
    let constants = bus::constants(config, counts, id);
    Design::new(top(config, &core, &parts.names(), &bus::register_file(&constants)))
}

/// The files of an accelerator, one for each module.
pub fn emit(config: &Config) -> Vec<VerilogFile> {
    design(config).verilog()
}

/// Verilator waivers for the files, each with its reason.
pub fn waivers() -> String {
    format!(
        "{WAIVERS}\
// Beats of a read are counted, so that the last needs no mark.
lint_off -rule UNUSEDSIGNAL -file \"*\" -match \"Signal is not used: 'm_rlast'\"
"
    )
}

fn multipliers(engine: &Rc<Module>) -> u64 {
    multipliers_of(&Design::new(Rc::clone(engine)))
}

/// Hardware multipliers of 64 × 64 bits in a design, those that only square among them.
pub fn multipliers_of(design: &Design) -> u64 {
    [MULTIPLIER_LEAF, SQUARE_LEAF].map(|leaf| design.instances_of(leaf)).iter().sum()
}

/// FNV-1a of a design's text.
fn identity(files: &[VerilogFile]) -> u64 {
    let bytes = files.iter().flat_map(|f| f.name.bytes().chain(f.text.bytes()));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn top(config: &Config, core: &Rc<Module>, engines: &[&str], register_file: &Rc<Module>) -> Rc<Module> {
    let bus = config.bus;
    let mut m = Module::new(TOP);
    let slave_module = bus::slave();
    let slave_ports: Vec<(String, u32)> = slave_module
        .ports()
        .filter(|(name, direction, _)| name.starts_with("s_") && *direction == PortDirection::In)
        .map(|(name, _, width)| (name.to_owned(), width))
        .collect();
    let master = master_inputs(bus).map(|(name, width)| (name, m.input(name, width)));
    m.input("m_rlast", 1);

    // Registers.
    let (read_data, known) = (m.wire(32), m.wire(1));
    let ports: Vec<(String, Sig)> = slave_ports.into_iter().map(|(n, width)| (n.clone(), m.input(&n, width))).collect();
    let mut inputs: Vec<(&str, Sig)> = ports.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    inputs.extend([("read_data", *read_data), ("known", *known)]);
    let slave = m.instance("slave", &slave_module, &inputs);
    for name in ["s_awready", "s_wready", "s_bresp", "s_bvalid", "s_arready", "s_rdata", "s_rresp", "s_rvalid"] {
        let sig = m.output_of(&slave, name);
        m.output(name, sig);
    }

    // The core and its reset.
    let (request, quiet) = (m.wire(1), m.wire(1));
    let reset = reset_control();
    let reset = m.instance("reset", &reset, &[("request", *request), ("quiet", *quiet)]);
    let [core_reset, clear, stop, resetting] = ["reset", "clear", "stop", "busy"].map(|name| m.output_of(&reset, name));
    let settings: Vec<(String, Wire)> = SETTINGS.iter().map(|r| (port(r), m.wire(r.width))).collect();
    let mut inputs: Vec<(&str, Sig)> = settings.iter().map(|(n, w)| (n.as_str(), **w)).collect();
    inputs.push(("stop", stop));
    inputs.extend(master);
    let clocks: Vec<(String, Sig)> =
        engines.iter().map(|part| format!("clk_{part}")).map(|name| (name.clone(), m.input(&name, 1))).collect();
    inputs.extend(clocks.iter().map(|(name, clock)| (name.as_str(), *clock)));
    let core = m.instance("core", core, &inputs);
    m.reset_by(&core, core_reset);
    for part in engines {
        let run = m.output_of(&core, &format!("run_{part}"));
        let run = m.or(run, core_reset);
        m.output(&format!("run_{part}"), run);
    }
    for name in MASTER_OUTPUTS {
        let sig = m.output_of(&core, name);
        m.output(name, sig);
    }
    let always = m.constant(1, 1);
    m.output("m_rready", always);
    m.output("m_bready", always);
    let core_quiet = m.output_of(&core, "quiet");
    m.connect(quiet, core_quiet);

    // The register file between them.
    let [working, wakes, completed, faulted] =
        ["working", "wakes", "completed", "faulted"].map(|name| m.output_of(&core, name));
    let fault_code = m.output_of(&core, &port(&map::FAULT_CODE));
    let fine = m.eq_const(fault_code, 0);
    let fault = m.not(fine);
    let status = {
        let busy = m.or(working, resetting);
        let flags = m.cat(&[fault, busy]);
        m.extend(flags, 32)
    };
    let mut file_inputs: Vec<(String, Sig)> =
        ["address", "write", "data", "strobe"].map(|name| (name.to_owned(), m.output_of(&slave, name))).to_vec();
    file_inputs.push(("clear".into(), clear));
    file_inputs.push((port(&map::STATUS), status));
    for register in map::FROM_SHELL {
        file_inputs.push((port(&register), m.input(&port(&register), register.width)));
    }
    let answers = FROM_FLASH.map(|r| (r, m.wire(r.width)));
    file_inputs.extend(answers.iter().map(|(r, wire)| (port(r), **wire)));
    file_inputs.extend(REPORTS.iter().map(|r| (port(r), m.output_of(&core, &port(r)))));
    let inputs: Vec<(&str, Sig)> = file_inputs.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    let file = m.instance("registers", register_file, &inputs);
    for (name, wire) in settings {
        let sig = m.output_of(&file, &name);
        m.connect(wire, sig);
    }
    for (wire, name) in [(read_data, "read_data"), (known, "known")] {
        let sig = m.output_of(&file, name);
        m.connect(wire, sig);
    }
    let control = m.output_of(&file, &port(&map::CONTROL));
    let wanted = m.bit(control, map::CONTROL_RESET.trailing_zeros());
    m.connect(request, wanted);

    // The port to the flash.
    let flash = config.flash.map(|speed| {
        let mut inputs = vec![("flash_miso".to_owned(), m.input("flash_miso", 1))];
        inputs.extend(TO_FLASH.map(|r| (port(&r), m.output_of(&file, &port(&r)))));
        let inputs: Vec<(&str, Sig)> = inputs.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        let flash = m.instance("flash", &flash::port(speed), &inputs);
        for name in flash::OUTPUTS {
            let sig = m.output_of(&flash, name);
            m.output(name, sig);
        }
        flash
    });
    let of_flash = |m: &mut Module, name: &str, width| match &flash {
        Some(flash) => m.output_of(flash, name),
        None => m.constant(0, width),
    };
    for (register, wire) in answers {
        let sig = of_flash(&mut m, &port(&register), register.width);
        m.connect(wire, sig);
    }
    let flash_busy = of_flash(&mut m, "busy", 1);

    let enabled = m.output_of(&file, &port(&map::IRQ_ENABLE));
    let events = m.pack(&[completed, faulted]);
    let enabled = m.slice(enabled, 0, 2);
    let irq = m.and(events, enabled);
    m.output("irq", irq);
    let accessed = m.output_of(&slave, "busy");
    let busy = m.any(&[accessed, resetting, working, wakes, flash_busy]);
    m.output("busy", busy);
    Rc::new(m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{field::MultiplierLeaf, primitives};

    /// All Verilog comes from the datapath layer, or from rust-hdl through [`crate::control`]; what is written by hand
    /// are the models of the vendors' primitives, three of them, and the preset for simulation has none.
    #[test]
    fn all_verilog_is_generated() {
        let leaves = [
            (Config::sim().multiplier, None),
            (MultiplierLeaf::Ecp5, Some("MULT18X18D")),
            (MultiplierLeaf::Xilinx7, Some("DSP48E1")),
            (MultiplierLeaf::Xilinx, Some("DSP48E2")),
        ];
        for (multiplier, primitive) in leaves {
            let mut by_hand = Vec::new();
            for file in emit(&Config { multiplier, ..Config::sim() }) {
                let from_the_layer = file.text.starts_with("// Generated by hotloop-hdl.");
                if !from_the_layer && !file.name.starts_with("ctl_") {
                    let known = primitives::ALL.iter().any(|p| p.name == file.name && p.model == file.text);
                    assert!(known, "where does {} come from?", file.name);
                    by_hand.push(file.name);
                }
            }
            assert_eq!(by_hand, Vec::from_iter(primitive), "with {multiplier:?}");
        }
        assert_eq!(primitives::ALL.len(), 3, "the list of hand-written Verilog is short");
        assert_eq!(verilog_files("src".as_ref()), primitives::ALL.len(), "every file of Verilog is on the list");
    }

    /// How many files of Verilog there are below a folder.
    fn verilog_files(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { verilog_files(&path) } else { is_verilog(&path).into() }).sum()
    }

    fn is_verilog(path: &std::path::Path) -> bool {
        path.extension().is_some_and(|e| e == "v" || e == "sv")
    }
}

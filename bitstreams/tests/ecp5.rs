//! What an ECP5 board's image is made of: clean for Verilator, and whole for Yosys.

use std::{collections::BTreeSet, fs, path::Path, path::PathBuf, process::Command};

use hotloop_boards::{
    all,
    ecp5::{Build, JumpPage, TOP},
    Family,
};
use hotloop_hdl::{accelerator, primitives};
use hotloop_jtag::{Ecp5, Part, SpiFlash};

/// The vendor's cell, for its ports alone.
const PLL: &str = "module EHXPLLL #(parameter PLLRST_ENA = \"\", INTFB_WAKE = \"\", STDBY_ENABLE = \"\", \
    DPHASE_SOURCE = \"\", FEEDBK_PATH = \"\", CLKOP_ENABLE = \"\", CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 1, \
    CLKOP_CPHASE = 0, CLKOP_FPHASE = 0) (input wire CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, \
    PHASELOADREG, PLLWAKESYNC, ENCLKOP, output wire CLKOP, LOCK); endmodule\n";

/// The whole tops of all ECP5 boards in folders of their own: board, folder, files of Verilog.
fn tops(test: &str) -> Vec<(String, PathBuf, Vec<String>)> {
    let boards = all().unwrap().into_iter().filter(|board| board.family == Family::Ecp5);
    let top = |board: hotloop_boards::Board| {
        let build = Build::new(&board, &board.preset, None).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", board.name));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let files = build.files.iter().filter(|(name, _)| name.ends_with(".v"));
        files.clone().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        (board.name, folder, files.map(|(name, _)| name.clone()).collect())
    };
    boards.map(top).collect()
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}; `scripts/setup.sh yosys` installs it"));
    let text = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
    assert!(output.status.success(), "{}: {text}", folder.display());
    text
}

/// `-Wall`, with the waivers that come with an accelerator, and one for the top: as the link's own clocks are not gated, this
/// is another form of it than the simulated one.
#[test]
fn every_top_is_clean() {
    let verilator = std::env::var("VERILATOR").unwrap_or_else(|_| "verilator".into());
    for (name, folder, mut files) in tops("lint") {
        for primitive in primitives::ALL {
            fs::write(folder.join(format!("{}.v", primitive.name)), primitive.model).unwrap();
            files.push(format!("{}.v", primitive.name));
        }
        let waivers = accelerator::waivers()
            + "// A reset that is active low is for Xilinx' shells.\n\
               lint_off -rule UNUSEDSIGNAL -file \"*top.v\" -match \"Signal is not used: 'started_resetn'\"\n\
               // A clock is not looked for in the vendor's cell.\nlint_off -file \"*EHXPLLL.v\"\n";
        fs::write(folder.join("waivers.vlt"), waivers).unwrap();
        fs::write(folder.join("EHXPLLL.v"), PLL).unwrap();
        files.push("EHXPLLL.v".into());
        let mut arguments = vec!["--lint-only", "-Wall", "--top-module", TOP, "waivers.vlt"];
        arguments.extend(files.iter().map(String::as_str));
        let text = run(&verilator, &folder, &arguments);
        assert!(text.trim().is_empty(), "{name}: {text}");
    }
}

/// Every module is there, and the vendor's cells have the ports that are named.
#[test]
fn every_top_is_whole() {
    for (name, folder, files) in tops("whole") {
        let script = format!(
            "read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v; read_verilog -sv {}; \
             hierarchy -check -top {TOP}; proc; check -assert; stat",
            files.join(" ")
        );
        let text = run("yosys", &folder, &["-p", &script]);
        assert!(!text.contains("Warning: Resizing cell port"), "{name}: a port's width is wrong");
        let (_, whole) = text.rsplit_once("design hierarchy").unwrap();
        for cell in ["EHXPLLL", "MULT18X18D", "link_bridge", "uart_rx"] {
            assert!(whole.contains(cell), "{name}: there is no {cell}");
        }
    }
}

/// The model of the part has its own reading of where the page lies, and what is in it: by it, from a flash without a user
/// image, the golden one starts, in a flash of the part's whole reach and in a larger one.
#[test]
fn the_jump_page_leads_to_the_golden_image() {
    let boards: Vec<_> = all().unwrap().into_iter().filter(|board| board.family == Family::Ecp5).collect();
    let sizes: BTreeSet<u64> = boards.iter().map(|board| board.flash.bytes).collect();
    assert_eq!(sizes, [16 << 20, 32 << 20].into());
    for board in boards {
        let jump = JumpPage::of(&board).unwrap();
        assert_eq!((jump.address, jump.golden), (0xff_ff00, 0x80_0000), "{}", board.name);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("jump-{}.flash", board.name));
        fs::File::create(&path).unwrap().set_len(board.flash.bytes).unwrap();
        let mut flash = SpiFlash::in_file(&path).unwrap();
        flash.put(jump.address as usize, &jump.bytes());
        // Preamble, user code, DONE.
        flash.put(0x80_0000, &[0xff, 0xff, 0xbd, 0xb3, 0xc2, 0, 0, 0, 1, 2, 3, 4, 0x5e, 0, 0, 0]);
        let part = Ecp5::new(Part::by_idcode(board.idcode).unwrap(), Some(flash));
        assert!(part.status().done() && part.configuration().usercode == 0x0102_0304, "{}", board.name);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(JumpPage::of(&hotloop_boards::find("kc705", None).unwrap()), None, "a Xilinx part wants none");
}

//! What each backend would call, and how it reads what its program prints. Texts are those of openFPGALoader 0.10 and
//! 0.13.1; for the other programs, which cannot run here, calls only.

use std::path::Path;

use hotloop_flash::{
    backends::{Backend, NotThere, Target, Work},
    Cable, Ended,
};

fn target(cable: &str) -> Target {
    let cable = if cable.is_empty() { Cable::Board } else { cable.parse().unwrap() };
    let memory = Some("mt25qu01g-spi-x1_x2_x4".into());
    Target { cable, board: Some("ecpix5".into()), board_cable: None, memory, lattice: true }
}

fn call(target: &Target, vivado: bool, work: Work) -> Result<hotloop_flash::Call, NotThere> {
    (Backend::of(&target.cable, vivado).unwrap().call)(target, work)
}

fn text(target: &Target, work: Work) -> String {
    call(target, false, work).unwrap().text()
}

#[test]
fn open_fpga_loader_is_told_cable_board_and_place() {
    let file = Path::new("a b.bit");
    assert_eq!(
        text(&target("xvc:10.0.0.1:2542"), Work::Load(file)),
        "openFPGALoader -c xvc-client --ip 10.0.0.1 --port 2542 -v --write-sram 'a b.bit'"
    );
    assert_eq!(
        text(&target("digilent_hs2:2102"), Work::Identify),
        "openFPGALoader -c digilent_hs2 --ftdi-serial 2102 --detect"
    );
    let own = target("");
    let persist = text(&own, Work::Persist(Path::new("/x.bit"), 0x80_0000));
    assert_eq!(persist, "openFPGALoader -b ecpix5 -v --write-flash --verify --offset 8388608 /x.bit");
    let versa = Target { board: None, board_cable: Some("ft2232".into()), ..own.clone() };
    assert_eq!(text(&versa, Work::Identify), "openFPGALoader -c ft2232 --detect");
    // A Xilinx part behind another cable than its own: the board's name tells the package, which flash needs.
    let xilinx = Target { lattice: false, board: Some("kc705".into()), ..target("ft4232") };
    assert_eq!(
        text(&xilinx, Work::Load(Path::new("k.bit"))),
        "openFPGALoader -b kc705 -c ft4232 -v --write-sram k.bit"
    );
}

#[test]
fn idcodes_and_user_codes_are_read() {
    let backend = Backend::of(&Cable::Board, false).unwrap();
    assert_eq!(
        (backend.idcode)("index 0:\n\tidcode 0x1113043\n\tmanufacturer lattice\n"),
        Some((0x0111_3043, 0x0fff_ffff))
    );
    assert_eq!((backend.idcode)("index 0:\n\tidcode 0x81113043\n"), Some((0x8111_3043, u32::MAX)));
    assert_eq!((backend.idcode)("\tidcode 0x1113043\nIDCode : 81113043\n"), Some((0x8111_3043, u32::MAX)));
    assert_eq!((backend.idcode)("found 0 devices\n"), None);
    assert_eq!((backend.usercode)("Done\nuserCode: 0000000a\n"), Some(10));
    assert_eq!((backend.usercode)("userCode: \n"), None);
    let vivado = Backend::of(&Cable::Board, true).unwrap();
    assert_eq!((vivado.idcode)("Vivado% HOTLOOP_IDCODE 0x13631093\n"), Some((0x1363_1093, u32::MAX)));
    assert_eq!((vivado.usercode)("HOTLOOP_USERCODE 0x1A2B3C4D\n"), Some(0x1a2b_3c4d));
}

#[test]
fn complaints_become_advice() {
    let backend = Backend::of(&Cable::Board, false).unwrap();
    let said = |output: &str| backend.explain(&Ended { good: false, how: "status 1".into(), output: output.into() });
    for (output, advice, untouched) in [
        ("unable to open ftdi device: -3 (device not found)", "plugged in", true),
        ("unable to open ftdi device: -4 (usb_open() failed)", "91-hotloop-cables.rules", true),
        ("unable to open ftdi device: -5 (unable to claim device)", "in use", true),
        ("JTAG init failed with: unable to open ftdi device", "lsusb", true),
        ("JTAG init failed with: TDO is stuck at 0", "board on", true),
        ("Error: cannot find board 'stlv7325'", "newer", true),
        ("displayReadReg\n\tCRC ERR\n\tEXEC Error", "checksum", false),
        ("Verification failed at 17", "write it again", false),
        ("Refresh: FAIL\ndisplayReadReg", "jump page", false),
    ] {
        let (meaning, early) = said(output);
        assert!(meaning.contains(advice) && early == untouched, "{output}: {meaning}");
    }
    // Both rules files that the texts name are there.
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/91-hotloop-cables.rules").exists());
    assert_eq!(said("a\nsegmentation\n\n"), ("openFPGALoader ended with status 1: segmentation".into(), false));
}

/// The status of a write whose image does not start, and is there: its `FAIL` comes by another stream, anywhere.
#[test]
fn what_does_not_start_may_be_written() {
    let written = Backend::of(&Cable::Board, false).unwrap().written;
    let output = "Writing: [] 100%\nDone\nVerifying write (May take time)\n\nRead flash : [] 100%\n";
    assert!(written(&format!("{output}Done\nRefresh: displayReadReg\nFAIL\nError: Failed to program FPGA")));
    assert!(!written(&format!("{output}Fail\nVerification failed at 17\nRefresh: DONE\n")));
    assert!(!written(&format!("{output}Done\n")) && !written("Refresh: FAIL"));
}

#[test]
fn vivado_gets_a_script_of_whole_words() {
    let file = Path::new("/lab/a b.bit");
    for cable in ["vivado:lab3:3121", ""] {
        let call = call(&target(cable), true, Work::Load(file)).unwrap();
        let script = call.input.unwrap();
        let server = if cable.is_empty() { "localhost:3121" } else { "lab3:3121" };
        assert!(
            script.contains(&format!("-url {server};")) && script.contains("PROGRAM.FILE {/lab/a b.bit} "),
            "{script}"
        );
        // What it prints is not in the script itself: Vivado may repeat that.
        for printed in ["HOTLOOP_IDCODE", "HOTLOOP_USERCODE", "HOTLOOP_DONE"] {
            assert!(!script.contains(printed), "{script}");
        }
    }
    for work in [Work::Identify, Work::Load(file), Work::Persist(file, 0)] {
        let script = call(&target("vivado"), true, work).unwrap().input.unwrap();
        for (open, close) in [('{', '}'), ('[', ']')] {
            let depth = script.chars().try_fold(0i32, |depth, c| {
                let depth = depth + i32::from(c == open) - i32::from(c == close);
                (depth >= 0).then_some(depth)
            });
            assert_eq!(depth, Some(0), "{script}");
        }
        assert_eq!(script.matches('"').count() % 2, 0);
    }
    // Nothing in a name becomes Tcl.
    for name in ["}; exit 0; {", "a\\", "a\nb"] {
        assert!(call(&target("vivado"), true, Work::Load(Path::new(name))).is_err(), "{name}");
    }
    let offset = call(&target("vivado"), true, Work::Persist(file, 0x100_2000)).unwrap_err();
    assert!(offset.0.contains("loadbit"), "{offset:?}");
}

#[test]
fn cards_with_shells() {
    let card = target("xbutil:0000:3b:00.1");
    let load = text(&card, Work::Load(Path::new("u.xclbin")));
    assert_eq!(load, "xbutil program --device 0000:3b:00.1 --user u.xclbin");
    assert!(call(&card, false, Work::Load(Path::new("u.bit"))).unwrap_err().0.contains("--cable vivado"));
    let slot = target("aws:0:agfi-0123");
    assert_eq!(text(&slot, Work::Load(Path::new("-"))), "fpga-load-local-image -S 0 -I agfi-0123 -H");
    for cable in [&card, &slot] {
        assert!(call(cable, false, Work::Persist(Path::new("u.bit"), 0)).is_err());
    }
    // The board's own port needs no program.
    assert!(Backend::of(&target("spi:01:00.0").cable, false).is_none());
}

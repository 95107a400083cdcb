//! openFPGALoader: USB cables and Xilinx Virtual Cable. Options and texts are those of 0.10 (Debian 12) to 1.1.

use std::time::Duration;

use super::{early, hex_after, late, Backend, NotThere, Sign, Target, Work};
use crate::{cable::Cable, run::Call};

pub const BACKEND: Backend = Backend {
    name: "openFPGALoader",
    install: "apt-get install openfpgaloader (Debian 12 has 0.10; stlv7325, kcu105 and kcu116 need 0.13, of Debian 13)",
    call,
    tells_idcode: true,
    idcode,
    usercode: |output| hex_after(output, "userCode:"),
    done: |_| true,
    written,
    signs: SIGNS,
};

/// `IDCode : 81113043` of the Lattice code is whole. `idcode 0x1113043` of the chain has, up to 0.10, no version nibble,
/// which tells LFE5U, LFE5UM and LFE5UM5G apart: the load compares it before it touches anything.
fn idcode(output: &str) -> Option<(u32, u32)> {
    let whole = hex_after(output, "IDCode :").map(|idcode| (idcode, u32::MAX));
    let chain = |idcode: u32| (idcode, if idcode >> 28 == 0 { 0x0fff_ffff } else { u32::MAX });
    whole.or_else(|| hex_after(output, "idcode").map(chain))
}

/// It says `Done` where all was compared, and only then lets the part start: with 0.10 a failure where the flash is empty,
/// later where it holds half an image.
fn written(output: &str) -> bool {
    let compared = output.split_once("Verifying write").and_then(|(_, rest)| rest.split_once("Refresh:"));
    compared.is_some_and(|(compared, _)| compared.contains("Done"))
}

fn call(target: &Target, work: Work) -> Result<Call, NotThere> {
    let mut arguments = Vec::new();
    let mut put = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
    // With the board's name it knows the part's package, which it wants for flash behind a Xilinx part.
    if let (Some(board), true) = (&target.board, !target.lattice || target.cable == Cable::Board) {
        put(&["-b", board]);
    }
    match &target.cable {
        Cable::Xvc { host, port } => put(&["-c", "xvc-client", "--ip", host, "--port", &port.to_string()]),
        Cable::Usb { name, serial } => {
            put(&["-c", name]);
            serial.iter().for_each(|serial| put(&["--ftdi-serial", serial]));
        }
        _ => target.board_cable.iter().for_each(|cable| put(&["-c", cable])),
    }
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let limit = match work {
        Work::Identify => {
            put(&["--detect"]);
            minutes(1)
        }
        Work::Load(file) => {
            put(&["-v", "--write-sram", &file.display().to_string()]);
            minutes(10)
        }
        Work::Persist(file, offset) => {
            put(&["-v", "--write-flash", "--verify", "--offset", &offset.to_string(), &file.display().to_string()]);
            minutes(60)
        }
    };
    Ok(Call { program: "openFPGALoader", arguments, input: None, limit })
}

/// Texts of `libftdi` (the numbers), of openFPGALoader's cables, and of its Lattice and flash code.
const SIGNS: &[Sign] = &[
    early("unable to open ftdi device: -3", "no cable found: is the board's USB cable plugged in, and the board on? `lsusb` must list it (0403:60xx). \
                  On another machine: let that one serve the cable (`openFPGALoader --xvc`), and use --cable xvc:HOST:PORT"),
    early("unable to open ftdi device: -4", "no permission on the cable: install resources/91-hotloop-cables.rules (its head says how), or run as root"),
    early("unable to open ftdi device: -5", "the cable is in use: end the other program that has it (another openFPGALoader, hw_server, openocd), or \
                  let go the serial port that shares the chip"),
    early("unable to open ftdi device", "the cable cannot be opened: is it plugged in (`lsusb`), and may you use it \
                  (resources/91-hotloop-cables.rules)?"),
    early("LIBUSB_ERROR_ACCESS", "no permission on the cable: install resources/91-hotloop-cables.rules (its head says how), or run as root"),
    early("connection failure", "nobody serves a virtual cable there: start it (`openFPGALoader --xvc`, hw_server's xvc, or \
                  `hotloop sim jtag`), or check host and port"),
    early("cannot find board", "this openFPGALoader does not know the board: it needs a newer one (stlv7325, kcu105, kcu116: 0.13)"),
    early("mismatch between target's idcode and bitstream idcode", "wrong part: the image is for another part than the attached one"),
    early("TDO is stuck at 0", "no part answers on the cable (TDO is always 0): is the board on, and the JTAG plug the right way round?"),
    early("Unknown device with IDCODE", "a part answers that openFPGALoader does not know: is it the right board, and nothing else in the chain?"),
    early("no device found", "no part answers on the cable: is the board on, and the JTAG plug in?"),
    late("CRC ERR", "the part refused the image: a checksum in it is wrong (CRC ERR). \
                  Is the cable good, and the image as it was built? Build or fetch it again"),
    late("ID ERR", "the part refused the image: it is for another part (ID ERR)"),
    late("Abort ERR", "the part gave up (Abort ERR): an image for flash only (ecppack --spimode) cannot be loaded over JTAG; \
                  build it without that option"),
    late("Read ID failed", "the flash does not answer: is it the board's own, and not held by a running design? Power off and on, try \
                  again"),
    late("block protection is set", "the flash is write-protected: `openFPGALoader --unprotect-flash` takes that away, for the golden image \
                  too"),
    late("flash overflow", "the image does not fit into the flash behind its offset: is the board's file right about the flash?"),
    late("Verification failed", "the flash does not hold what was written: write it again; if that fails again, the flash is worn or the \
                  cable is bad (try a lower --freq by hand)"),
    late("Refresh: FAIL", "the flash was written, but the part did not start from it: it holds no good image at address 0, and no golden \
                  one with a jump page (--slot golden --golden-override writes both)"),
    late("orderly shut down the connection", "the connection to the virtual cable broke: start again; nothing but the running configuration is lost"),
];

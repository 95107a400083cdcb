//! Cards with AMD's shell (XRT): `xbutil` loads a user image (`.xclbin`) into the running shell. Written from XRT's
//! documentation; not run here.

use std::time::Duration;

use super::{early, Backend, NotThere, Target, Work};
use crate::{cable::Cable, run::Call};

pub const BACKEND: Backend = Backend {
    name: "xbutil",
    install: "XRT from AMD (xilinx.github.io/XRT); put it in PATH (source /opt/xilinx/xrt/setup.sh)",
    call,
    // XRT does not tell the IDCODE; it matches the image's platform UUID against the shell's.
    tells_idcode: false,
    idcode: |_| None,
    usercode: |_| None,
    done: |_| true,
    written: |_| false,
    signs: &[
        early("No such device", "there is no such card: `xbutil examine` lists those that there are"),
        early(
            "does not match",
            "wrong platform: the image is for another shell than the card's (`xbutil examine --device …` names it)",
        ),
        early("Permission denied", "no permission on the card: is XRT's udev rule installed?"),
    ],
};

fn call(target: &Target, work: Work) -> Result<Call, NotThere> {
    let Cable::Xbutil { address } = &target.cable else {
        return Err(NotThere("xbutil wants a card's address: --cable xbutil:BDF".into()));
    };
    let words: Vec<&str> = vec!["--device", address];
    let (verb, more): (&str, Vec<String>) = match work {
        Work::Identify => ("examine", vec!["--report".into(), "platform".into()]),
        Work::Load(file) if file.extension().is_some_and(|e| e == "xclbin") => {
            ("program", vec!["--user".into(), file.display().to_string()])
        }
        Work::Load(_) => {
            let text =
                "xbutil loads .xclbin files, which are made by AMD's v++ for one shell; this image is a bitstream of \
                        the whole part: load it by JTAG (--cable vivado)";
            return Err(NotThere(text.into()));
        }
        Work::Persist(..) => {
            let text =
                "a card with AMD's shell keeps the shell in flash, and gets its user image at each start: there is \
                        nothing to persist (whole images go in by JTAG, --cable vivado)";
            return Err(NotThere(text.into()));
        }
    };
    let arguments = std::iter::once(verb.to_owned()).chain(words.into_iter().map(str::to_owned)).chain(more).collect();
    Ok(Call { program: "xbutil", arguments, input: None, limit: Duration::from_secs(300) })
}

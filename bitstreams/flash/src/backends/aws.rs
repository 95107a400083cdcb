//! AWS F1 and F2: images live at AWS and are named (`agfi-…`); the instance's tools load one into a slot. Written from the
//! documentation of the AWS FPGA kit; not run here.

use std::time::Duration;

use super::{early, Backend, NotThere, Target, Work};
use crate::{cable::Cable, run::Call};

pub const BACKEND: Backend = Backend {
    name: "aws",
    install: "the AWS FPGA kit on the instance (github.com/aws/aws-fpga; source sdk_setup.sh)",
    call,
    // The part is behind AWS's shell, which lets only images in that were made for it.
    tells_idcode: false,
    idcode: |_| None,
    usercode: |_| None,
    done: |_| true,
    written: |_| false,
    signs: &[
        early("invalid-fpga-image", "AWS does not know that image, or not in this region: see agfi- of it"),
        early("shell-mismatch", "the image was made for another version of AWS's shell: make it again"),
        early("busy", "the slot is busy: wait for the operation under way, then try again"),
        early("sudo", "the instance's FPGA tools want root: run this with sudo"),
    ],
};

fn call(target: &Target, work: Work) -> Result<Call, NotThere> {
    let Cable::Aws { slot, image } = &target.cable else {
        return Err(NotThere("AWS wants slot and image: --cable aws:SLOT:AGFI".into()));
    };
    let slot = slot.to_string();
    let (program, arguments): (_, Vec<&str>) = match work {
        Work::Identify => ("fpga-describe-local-image", vec!["-S", &slot, "-R", "-H"]),
        Work::Load(_) => ("fpga-load-local-image", vec!["-S", &slot, "-I", image, "-H"]),
        Work::Persist(..) => {
            let text = "an AWS instance's FPGA has no flash of the user's: images are loaded at each start";
            return Err(NotThere(text.into()));
        }
    };
    let arguments = arguments.into_iter().map(str::to_owned).collect();
    Ok(Call { program, arguments, input: None, limit: Duration::from_secs(300) })
}

//! Starting from flash: the image at address 0, and the golden one where that one is not good.

use crate::{
    bitstream::{Configuration, Fault, Interpreter, Progress, Source},
    parts::Part,
    status::Status,
};

/// Where a jump command says where the golden image is (Lattice FPGA-TN-02203, "dual boot"; Project Trellis, ecpmulti). A
/// flash does not hear bits of the address that it has not: in a smaller one it is the last page, too.
const JUMP: usize = 0xff_ff00;
/// Within so many bytes of where it looks, the part wants a preamble. Not in the vendor's documents: ours is generous.
const PREAMBLE_WITHIN: usize = 4096;

/// What the part does after power-on and after `REFRESH`: what it then holds, and bits of the status register.
pub fn boot(part: Part, flash: Option<&[u8]>) -> (Configuration, u32) {
    let Some(flash) = flash else { return (Configuration::default(), Status::of_fault(Fault::Preamble)) };
    let first = image(part, flash, 0);
    let Err(fault) = first else { return good(first, 0) };
    let golden = image(part, flash, JUMP % flash.len().max(1));
    if golden.is_ok() {
        return good(golden, Status::SPI_FAIL_1);
    }
    (Configuration::default(), Status::of_fault(fault) | Status::SPI_FAIL_1)
}

fn good(image: Result<Configuration, Fault>, bits: u32) -> (Configuration, u32) {
    (image.unwrap_or_default(), bits | Status::DONE | Status::STANDARD_PREAMBLE)
}

/// The image at an address, jumps followed (a few of them: they could go in a circle).
fn image(part: Part, flash: &[u8], mut address: usize) -> Result<Configuration, Fault> {
    for _ in 0..4 {
        let mut interpreter = Interpreter::new(part, Source::Flash);
        let mut configuration = Configuration::default();
        let mut progress = Progress::Under;
        for (position, &byte) in flash.get(address..).unwrap_or_default().iter().enumerate() {
            if position > PREAMBLE_WITHIN && !interpreter.preamble() {
                return Err(Fault::Preamble);
            }
            progress = interpreter.push_byte(byte, &mut configuration);
            if progress != Progress::Under {
                break;
            }
        }
        match progress {
            Progress::Done => return Ok(configuration),
            Progress::Refused(fault) => return Err(fault),
            Progress::Jump(to) => address = to as usize,
            Progress::Under if interpreter.preamble() => return Err(Fault::End),
            Progress::Under => return Err(Fault::Preamble),
        }
    }
    Err(Fault::End)
}

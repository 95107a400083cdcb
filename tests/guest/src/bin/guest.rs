//! What runs in the guest, as /init's only program. The last line says how it went.

use std::{process::ExitCode, sync::Arc};

use hotloop_driver::{Board, Descriptor, DriverError, FunctionError, PciAddress, Sysfs, VfioFunction};
use hotloop_guest::{edu, suite};
use pcie_sys::vfio;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["edu", address] => with(address, |a| edu::run(a, |text| println!("{text}"))),
        ["bind", address] => with(address, edu::bind),
        ["denied", address] => with(address, |a| edu::as_user(a, false)),
        ["limited", address] => with(address, |a| edu::as_user(a, true)),
        ["unplug", address] => with(address, |a| edu::unplug(a, || println!("guest: unplug now"))),
        ["board"] => board(),
        _ => Err("what?".into()),
    };
    match result {
        Ok(()) => {
            println!("guest: {} passed", words.join(" "));
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("guest: {} FAILED: {reason}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn with(address: &str, work: impl FnOnce(&PciAddress) -> Result<(), String>) -> Result<(), String> {
    work(&address.parse().map_err(|error: hotloop_driver::Obstacle| error.to_string())?)
}

/// The suite on the one board that is there, which is bound first.
fn board() -> Result<(), String> {
    let sysfs = Sysfs::default();
    let [slot] = &sysfs.boards()[..] else { return Err("not one board on the bus".into()) };
    sysfs.bind(&slot.address).map_err(|error| error.to_string())?;
    let address = slot.address.to_string();
    suite::run(&|| Ok(Arc::new(VfioFunction::open(&address)?)), |text| println!("vfio, {text}"))?;
    error_event(&address).map_err(|error| error.to_string())
}

/// VFIO fires the event of an error of the bus when asked to: jobs end with it, and a reset mends that.
fn error_event(address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let function = Arc::new(VfioFunction::open(address)?);
    let board = Board::open(Arc::clone(&function) as _)?;
    function.device().set_interrupts(vfio::ERR_IRQ, vfio::ACTION_TRIGGER, 1, &[])?;
    let (src, dst) = (board.alloc(64)?, board.alloc(64)?);
    let set = board.identity().sets.first().copied().ok_or("a board without sets")?;
    let job = Descriptor::loopback(set, src.window(), dst.window(), 1);
    match board.submit_and_wait(&[job]) {
        Err(DriverError::Function(FunctionError::Bus { .. })) => {}
        other => return Err(format!("{other:?} after an error of the bus").into()),
    }
    board.reset()?;
    board.submit_and_wait(&[job])?;
    println!("vfio, an error of the bus: ok");
    Ok(())
}

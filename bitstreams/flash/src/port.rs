//! An image into the flash of a board that runs, through the board's own port: no cable, and no way to try it first.

use std::time::Instant;

use hotloop_boards::{
    hex::{Hex32, Hex64},
    Slot, SlotKind,
};

use crate::{
    error::FlashError,
    flow::{check_slot, read_image, slot_name, wrong_part, Event, Image, Report, Running, Step, StepKind, Verified},
    run::Heard,
};

/// Name of the way, where backends have theirs.
pub const NAME: &str = "spi";

/// The port of a board that runs.
pub trait FlashPort {
    /// The board's name, for messages.
    fn name(&self) -> &str;
    /// What runs, and on what part.
    fn identify(&mut self) -> Result<Found, String>;
    /// Writes an image to a slot and compares it; nothing outside the slot is touched, and a slot that was not finished has no
    /// image. `tell` hears what is done and per cent of it, and ends the work with `false`.
    fn write(&mut self, slot: &Slot, image: &[u8], tell: &mut dyn FnMut(&str, f64) -> bool) -> Result<(), String>;
}

/// What answers at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The image that runs.
    pub running: Running,
    /// IDCODE of the part that it was made for, and runs on.
    pub idcode: u32,
    /// The flash, for people.
    pub chip: String,
}

/// All that is wanted.
pub struct PortPlan {
    /// The board, for messages.
    pub device: String,
    /// What.
    pub image: Image,
    /// The place in flash.
    pub slot: Option<Slot>,
    /// Where the golden image lies.
    pub golden: Slot,
    /// That it may be written over.
    pub golden_override: bool,
    /// That an image may be written that does not run now.
    pub untried: bool,
}

/// The steps, checked as far as can be without a board.
pub fn plan(plan: &PortPlan) -> Result<Vec<Step>, FlashError> {
    steps(plan).map(|(_, steps)| steps.into())
}

/// The slot that is written, and the steps.
fn steps(plan: &PortPlan) -> Result<(&Slot, [Step; 4]), FlashError> {
    let (image, device) = (&plan.image, &plan.device);
    let Some(slot) = &plan.slot else {
        let text =
            "over PCI Express an image can only be written to flash, not loaded: add --persist, or name a JTAG cable";
        return Err(FlashError::NotThere(text.into()));
    };
    check_slot(image, slot, &plan.golden, plan.golden_override)?;
    if slot.kind == SlotKind::Golden && plan.untried {
        return Err(FlashError::UntriedGolden);
    }
    let step = |kind, text: String| Step { kind, text, call: None, took: None };
    let runs = format!("{device} says build {} and ABI {}", Hex64(image.build_id), image.abi);
    let steps = [
        step(StepKind::Hash, format!("{} has sha256 {}", image.path.display(), image.sha256)),
        step(StepKind::Identify, format!("{device} says that its part has IDCODE {}", Hex32(image.idcode))),
        step(StepKind::ReadBack, if plan.untried { format!("{device} says what it runs") } else { runs }),
        step(StepKind::Persist, format!("to flash at {:#x}, slot {}", slot.offset, slot_name(slot.kind))),
    ];
    Ok((slot, steps))
}

/// Does it. `interrupted` is asked all the time; `tell` hears what goes on.
pub fn flash(
    wanted: &PortPlan,
    port: &mut dyn FlashPort,
    interrupted: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(Event),
) -> Result<Report, FlashError> {
    let image = &wanted.image;
    let (slot, [hash, identify, read_back, persist]) = steps(wanted)?;
    let mut done = Vec::new();
    let bytes = perform(hash, &mut done, tell, |_| {
        let text = format!("{} is what its manifest says", image.path.display());
        Ok((read_image(image)?, text))
    })?;
    let name = port.name().to_owned();
    let failed = |reason| FlashError::Port { name: name.clone(), reason };
    let found = perform(identify, &mut done, tell, |_| {
        let found = port.identify().map_err(failed)?;
        if wrong_part(image, found.idcode, u32::MAX) {
            return Err(FlashError::Part { found: Hex32(found.idcode), wanted: Hex32(image.idcode) });
        }
        let text = format!("{name} has IDCODE {}, and {}", Hex32(found.idcode), found.chip);
        Ok((found, text))
    })?;
    let verified = perform(read_back, &mut done, tell, |_| {
        let Running { build_id, abi } = &found.running;
        let running = Hex64(*build_id);
        let (verified, tried) = match (*build_id == image.build_id && *abi == image.abi, wanted.untried) {
            (true, _) => (Verified::Device, "the image itself"),
            (false, true) => (Verified::Nothing, "another one, so the image was not tried"),
            (false, false) => return Err(FlashError::Untried { running, wanted: Hex64(image.build_id) }),
        };
        Ok((verified, format!("{name} runs build {running}, {tried}")))
    })?;
    let text = persist.text.clone();
    perform(persist, &mut done, tell, |tell| {
        let mut hear = |what: &str, per_cent: f64| {
            tell(Event::Heard(Heard::Progress(what, per_cent)));
            !interrupted()
        };
        port.write(slot, &bytes, &mut hear).map_err(failed)?;
        Ok(((), text))
    })?;
    Ok(Report { steps: done, idcode: Some(found.idcode), verified, persisted: true })
}

/// One step: `work` gives its result, and what it came to in words.
fn perform<T>(
    mut step: Step,
    done: &mut Vec<Step>,
    tell: &mut dyn FnMut(Event),
    work: impl FnOnce(&mut dyn FnMut(Event)) -> Result<(T, String), FlashError>,
) -> Result<T, FlashError> {
    tell(Event::Begin(&step));
    let start = Instant::now();
    let result;
    (result, step.text) = work(tell)?;
    step.took = Some(start.elapsed());
    tell(Event::End(&step));
    done.push(step);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use hotloop_boards::manifest::sha256;

    use super::*;

    const IDCODE: u32 = 0x0363_6093;

    struct Board {
        idcode: u32,
        build_id: u64,
        written: Vec<(u64, Vec<u8>)>,
        asked: u32,
    }

    impl FlashPort for Board {
        fn name(&self) -> &str {
            "vfio:01:00.0"
        }

        fn identify(&mut self) -> Result<Found, String> {
            self.asked += 1;
            let running = Running { build_id: self.build_id, abi: "1.3".into() };
            Ok(Found { running, idcode: self.idcode, chip: "a flash".into() })
        }

        fn write(&mut self, slot: &Slot, image: &[u8], tell: &mut dyn FnMut(&str, f64) -> bool) -> Result<(), String> {
            if !tell("write", 50.0) {
                return Err("interrupted".into());
            }
            self.written.push((slot.offset, image.to_vec()));
            Ok(())
        }
    }

    fn slot(kind: SlotKind) -> Slot {
        Slot { kind, offset: if kind == SlotKind::Golden { 0 } else { 0x10_0000 }, bytes: 0x10_0000 }
    }

    struct Bench {
        plan: PortPlan,
        board: Board,
        interrupted: bool,
    }

    impl Bench {
        fn new(test: &str) -> Bench {
            let path = std::env::temp_dir().join(format!("hotloop-port-{test}-{}", std::process::id()));
            std::fs::write(&path, b"an image").unwrap();
            let image = Image {
                path,
                sha256: sha256(b"an image"),
                size: 8,
                idcode: 0x1363_6093,
                idcode_mask: 0x0fff_ffff,
                build_id: 7,
                abi: "1.3".into(),
            };
            let plan = PortPlan {
                device: "vfio:01:00.0".into(),
                image,
                slot: Some(slot(SlotKind::User)),
                golden: slot(SlotKind::Golden),
                golden_override: false,
                untried: false,
            };
            Bench { plan, board: Board { idcode: IDCODE, build_id: 7, written: vec![], asked: 0 }, interrupted: false }
        }

        fn run(&mut self) -> Result<Report, FlashError> {
            flash(&self.plan, &mut self.board, &|| self.interrupted, &mut |_| {})
        }

        fn refused(&mut self) -> FlashError {
            let error = self.run().unwrap_err();
            assert!(self.board.written.is_empty(), "{error}");
            error
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.plan.image.path);
        }
    }

    #[test]
    fn what_runs_is_written() {
        let mut bench = Bench::new("runs");
        let report = bench.run().unwrap();
        assert_eq!((report.verified, report.persisted, report.idcode), (Verified::Device, true, Some(IDCODE)));
        assert_eq!(bench.board.written, [(0x10_0000, b"an image".to_vec())]);
    }

    #[test]
    fn what_does_not_run_needs_to_be_asked_for() {
        let mut bench = Bench::new("untried");
        bench.board.build_id = 6;
        let error = bench.refused();
        assert!(matches!(error, FlashError::Untried { .. }) && error.to_string().contains("--untried"), "{error}");
        bench.plan.untried = true;
        let report = bench.run().unwrap();
        assert_eq!((report.verified, report.persisted), (Verified::Nothing, true));
    }

    #[test]
    fn the_golden_image_is_kept() {
        let mut bench = Bench::new("golden");
        bench.plan.slot = Some(slot(SlotKind::Golden));
        assert!(matches!(bench.refused(), FlashError::Golden));
        bench.plan.golden_override = true;
        bench.plan.untried = true;
        assert!(matches!(bench.refused(), FlashError::UntriedGolden));
        assert_eq!(bench.board.asked, 0, "refused before the board is opened");
        bench.plan.untried = false;
        bench.run().unwrap();
        assert_eq!(bench.board.written[0].0, 0);
    }

    #[test]
    fn wrong_parts_changed_files_and_interruptions_write_nothing() {
        let mut bench = Bench::new("refused");
        bench.board.idcode = 0x0365_1093;
        assert!(matches!(bench.refused(), FlashError::Part { .. }));
        bench.board.idcode = IDCODE;
        bench.interrupted = true;
        assert!(bench.refused().to_string().contains("interrupted"));
        bench.interrupted = false;
        std::fs::write(&bench.plan.image.path, b"an imagE").unwrap();
        assert!(matches!(bench.refused(), FlashError::Hash { .. }));
        bench.plan.slot = None;
        assert!(bench.refused().to_string().contains("--persist"));
    }
}

//! The steps and their order.

use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use hotloop_boards::{
    ecp5::JumpPage,
    hex::{Hex32, Hex64, Sha},
    manifest::sha256,
    Slot, SlotKind,
};

use crate::{
    backends::{Backend, NotThere, Target, Work},
    error::FlashError,
    run::{run, Call, Ended, Heard, RunError},
};

/// What is to be put on a board.
#[derive(Clone, Debug)]
pub struct Image {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 that its manifest says.
    pub sha256: Sha,
    /// Bytes that its manifest says.
    pub size: u64,
    /// IDCODE of the part that it is for.
    pub idcode: u32,
    /// Bits of the IDCODE that count.
    pub idcode_mask: u32,
    /// Identity of the build. Its low half is the image's user code.
    pub build_id: u64,
    /// Version of its register interface.
    pub abi: String,
}

impl Image {
    /// What the part's USERCODE says when it holds this image: the low half of the build's identity; `None` where that is
    /// what an empty part says.
    pub fn usercode(&self) -> Option<u32> {
        Some(self.build_id as u32).filter(|&code| code != 0 && code != u32::MAX)
    }
}

/// All that is wanted.
pub struct Plan<'a> {
    /// Who does it.
    pub backend: &'static Backend,
    /// With what board.
    pub target: Target,
    /// What.
    pub image: Image,
    /// The place in flash, if it shall persist.
    pub persist: Option<Slot>,
    /// Where the golden image lies.
    pub golden: Slot,
    /// That it may be written over.
    pub golden_override: bool,
    /// The page that leads to it, for parts that want one: written with the golden image.
    pub jump: Option<JumpPage>,
    /// A way to ask what runs.
    pub device: Option<&'a dyn DeviceCheck>,
}

/// A way to the running accelerator.
pub trait DeviceCheck {
    /// Its name, for messages.
    fn name(&self) -> &str;
    /// Who it says it is.
    fn running(&self) -> Result<Running, String>;
}

/// Who runs on a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Register `BUILD_ID`.
    pub build_id: u64,
    /// Version of the register interface.
    pub abi: String,
}

/// Kinds of steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StepKind {
    Hash,
    Identify,
    Load,
    ReadBack,
    Persist,
    Jump,
    ReadAgain,
}

impl StepKind {
    /// A name for scripts.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Hash => "sha256",
            StepKind::Identify => "idcode",
            StepKind::Load => "load",
            StepKind::ReadBack => "read-back",
            StepKind::Persist => "persist",
            StepKind::Jump => "jump",
            StepKind::ReadAgain => "read-again",
        }
    }
}

/// A step: to do, or done.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// What will be done, or what came out.
    pub text: String,
    /// The program that does it.
    pub call: Option<Call>,
    /// How long it took.
    pub took: Option<Duration>,
}

/// What is told meanwhile.
pub enum Event<'a> {
    /// A step begins.
    Begin(&'a Step),
    /// Its program says something.
    Heard(Heard<'a>),
    /// It is done.
    End(&'a Step),
}

/// By what the running image was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Identity and ABI of the accelerator's registers.
    Device,
    /// The part's user code.
    Usercode,
    /// Not at all.
    Nothing,
}

/// What was done.
#[derive(Debug)]
pub struct Report {
    /// Steps, with what came out.
    pub steps: Vec<Step>,
    /// IDCODE of the attached part, where the backend tells.
    pub idcode: Option<u32>,
    /// By what the running image was known.
    pub verified: Verified,
    /// Whether the flash was written.
    pub persisted: bool,
}

const UNTOUCHED: &str = "Nothing was touched";
const LOADING: &str = "The part may be empty now; the flash is untouched, a power cycle starts what it holds";
const WRITING: &str =
    "The slot may be half written: run the same command again. The golden image was not touched: if it is installed, the \
                       board starts from it until then";
const WRITING_GOLDEN: &str = "The golden image may be half written: do not power off; run the same command again";
const JUMPING: &str =
    "The golden image is written, the page that leads to it perhaps not, and without that the board has \
                       nothing to fall back to: run the same command again";

/// The steps, checked as far as can be without a board.
pub fn plan(plan: &Plan) -> Result<Vec<Step>, FlashError> {
    let image = &plan.image;
    if let Some(slot) = &plan.persist {
        check_slot(image, slot, &plan.golden, plan.golden_override)?;
    }
    let not_there = |NotThere(text): NotThere| FlashError::NotThere(text);
    let call = |work| (plan.backend.call)(&plan.target, work).map(Some).map_err(not_there);
    let step = |kind, text: String, call| Step { kind, text, call, took: None };
    let wanted = Hex32(image.idcode);
    let identity = match (plan.device, image.usercode()) {
        (Some(device), _) => format!("{} says build {} and ABI {}", device.name(), Hex64(image.build_id), image.abi),
        (None, Some(code)) => format!("the part's user code is {}", Hex32(code)),
        (None, None) => "nothing to compare: the build's identity has no user code".into(),
    };
    let mut steps = vec![
        step(StepKind::Hash, format!("{} has sha256 {}", image.path.display(), image.sha256), None),
        step(StepKind::Identify, format!("the attached part has IDCODE {wanted}"), call(Work::Identify)?),
        step(StepKind::Load, "into configuration memory".into(), call(Work::Load(&image.path))?),
        step(StepKind::ReadBack, identity.clone(), None),
    ];
    if let Some(slot) = &plan.persist {
        let text = format!("to flash at {:#x}, slot {}", slot.offset, slot_name(slot.kind));
        steps.push(step(StepKind::Persist, text, call(Work::Persist(&image.path, slot.offset))?));
        if let Some(jump) = jump(plan) {
            let text = format!("to flash at {:#x}: where no user image starts, go to {:#x}", jump.address, jump.golden);
            steps.push(step(StepKind::Jump, text, call(Work::Persist(&JumpFile::path(), jump.address))?));
        }
        if plan.device.is_some() && slot.kind == SlotKind::User {
            steps.push(step(StepKind::ReadAgain, format!("started from flash, {identity}"), None));
        }
    }
    Ok(steps)
}

/// The jump page, where it is to be written.
fn jump(plan: &Plan) -> Option<JumpPage> {
    plan.jump.filter(|_| plan.persist.as_ref().is_some_and(|slot| slot.kind == SlotKind::Golden))
}

/// The jump page as a file, for programs that write files; it goes with this value.
struct JumpFile;

impl JumpFile {
    fn path() -> PathBuf {
        std::env::temp_dir().join(format!("hotloop-jump-{}.bin", std::process::id()))
    }

    fn new(jump: JumpPage) -> Result<JumpFile, FlashError> {
        let path = JumpFile::path();
        // One of a process that was killed. What is somebody else's stays, and is not written to.
        let _ = std::fs::remove_file(&path);
        let made = File::create_new(&path).and_then(|mut file| file.write_all(&jump.bytes()));
        made.map(|()| JumpFile).map_err(|source| FlashError::File { path, source })
    }
}

impl Drop for JumpFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(JumpFile::path());
    }
}

/// Whether an image may be written to a slot: it goes in, and does not touch the golden image unless that is wanted.
pub(crate) fn check_slot(image: &Image, slot: &Slot, golden: &Slot, golden_override: bool) -> Result<(), FlashError> {
    let end = slot.offset.saturating_add(image.size);
    if image.size > slot.bytes {
        let text = format!("the image has {} bytes, the slot {}", image.size, slot.bytes);
        return Err(FlashError::Slot(text));
    }
    let golden = golden.offset..golden.offset.saturating_add(golden.bytes);
    let in_golden = slot.kind == SlotKind::Golden || slot.offset < golden.end && golden.start < end;
    if in_golden && !golden_override {
        return Err(FlashError::Golden);
    }
    Ok(())
}

pub(crate) fn slot_name(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Golden => "golden",
        SlotKind::User => "user",
    }
}

/// Does it. `interrupted` is asked all the time; `tell` hears what goes on.
pub fn flash(wanted: &Plan, interrupted: &dyn Fn() -> bool, tell: &mut dyn FnMut(Event)) -> Result<Report, FlashError> {
    let mut report = Report { steps: Vec::new(), idcode: None, verified: Verified::Nothing, persisted: false };
    let mut loaded = String::new();
    let steps = plan(wanted)?;
    let jump = jump(wanted).map(JumpFile::new).transpose()?;
    for mut step in steps {
        tell(Event::Begin(&step));
        let start = Instant::now();
        let after = match step.kind {
            StepKind::Load => LOADING,
            StepKind::Persist if wanted.persist.as_ref().is_some_and(|slot| slot.kind == SlotKind::Golden) => {
                WRITING_GOLDEN
            }
            StepKind::Persist => WRITING,
            StepKind::Jump => JUMPING,
            _ => UNTOUCHED,
        };
        if step.kind == StepKind::Persist {
            if report.verified == Verified::Nothing {
                return Err(FlashError::NotVerified(wanted.backend.name));
            }
            // It may be minutes since it was looked at.
            read_image(&wanted.image)?;
        }
        let output = match &step.call {
            None => String::new(),
            Some(call) => {
                // With no good user image yet, the part starts from flash only once the jump page is there.
                let may_not_start = step.kind == StepKind::Persist && jump.is_some();
                execute(wanted.backend, step.kind, call, may_not_start, after, interrupted, tell)?.output
            }
        };
        step.text = match step.kind {
            StepKind::Hash => {
                read_image(&wanted.image)?;
                format!("{} is what its manifest says", wanted.image.path.display())
            }
            StepKind::Identify => {
                let told = identify(wanted, &output)?;
                report.idcode = told.map(|(idcode, _)| idcode);
                match told {
                    Some((idcode, u32::MAX)) => format!("the attached part has IDCODE {}", Hex32(idcode)),
                    Some((idcode, bits)) => format!(
                        "the attached part has IDCODE {} in bits {bits:#x}, all that {} tells before it loads",
                        Hex32(idcode),
                        wanted.backend.name
                    ),
                    None => format!("not told by {}, which compares image and shell itself", wanted.backend.name),
                }
            }
            StepKind::Load => {
                // Some tell all of it only now.
                if let Some((idcode, u32::MAX)) = (wanted.backend.idcode)(&output) {
                    report.idcode = Some(idcode);
                }
                loaded = output;
                match report.idcode {
                    Some(idcode) => format!("{}, IDCODE {}", step.text, Hex32(idcode)),
                    None => step.text,
                }
            }
            StepKind::ReadBack => {
                let text;
                (report.verified, text) = read_back(wanted, &loaded)?;
                text
            }
            StepKind::Persist => {
                report.persisted = true;
                step.text
            }
            StepKind::Jump => step.text,
            StepKind::ReadAgain => read_back(wanted, "")?.1,
        };
        step.took = Some(start.elapsed());
        tell(Event::End(&step));
        report.steps.push(step);
    }
    Ok(report)
}

/// The image's bytes, if they are those of its manifest.
pub(crate) fn read_image(image: &Image) -> Result<Vec<u8>, FlashError> {
    let bytes = std::fs::read(&image.path).map_err(|source| FlashError::File { path: image.path.clone(), source })?;
    let (found, wanted) = (sha256(&bytes), image.sha256);
    if found == wanted {
        return Ok(bytes);
    }
    Err(FlashError::Hash { path: image.path.clone(), found, wanted })
}

fn execute(
    backend: &'static Backend,
    kind: StepKind,
    call: &Call,
    may_not_start: bool,
    after: &'static str,
    interrupted: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(Event),
) -> Result<Ended, FlashError> {
    let step = kind.name();
    let ended = run(call, interrupted, &mut |heard| tell(Event::Heard(heard))).map_err(|source| match source {
        RunError::Missing { program } => FlashError::Missing { program, install: backend.install },
        source => FlashError::Run { step, source, after },
    })?;
    if ended.good && (backend.done)(&ended.output) || may_not_start && (backend.written)(&ended.output) {
        return Ok(ended);
    }
    let (meaning, untouched) = backend.explain(&ended);
    // Before the jump page, the golden image was written.
    let after = if untouched && kind != StepKind::Jump { UNTOUCHED } else { after };
    Err(FlashError::Failed { step, meaning, after, output: ended.output })
}

/// Whether an IDCODE, of which the bits `told` are known, is that of another part than the image's.
pub(crate) fn wrong_part(image: &Image, found: u32, told: u32) -> bool {
    (found ^ image.idcode) & image.idcode_mask & told != 0
}

/// The IDCODE, and those bits of it that were told.
fn identify(plan: &Plan, output: &str) -> Result<Option<(u32, u32)>, FlashError> {
    let image = &plan.image;
    let Some((found, told)) = (plan.backend.idcode)(output) else {
        // Of backends that know no IDCODE, none is expected.
        if !plan.backend.tells_idcode {
            return Ok(None);
        }
        return Err(FlashError::NoPart { name: plan.backend.name, last: crate::run::last_words(output) });
    };
    if wrong_part(image, found, told) {
        return Err(FlashError::Part { found: Hex32(found), wanted: Hex32(image.idcode) });
    }
    Ok(Some((found, told)))
}

fn read_back(plan: &Plan, output: &str) -> Result<(Verified, String), FlashError> {
    let image = &plan.image;
    if let Some(device) = plan.device {
        let by = device.name().to_owned();
        let running = device.running().map_err(|reason| FlashError::Device { name: by.clone(), reason })?;
        let text = |build_id, abi: &str| format!("build {} and ABI {abi}", Hex64(build_id));
        let (found, wanted) = (text(running.build_id, &running.abi), text(image.build_id, &image.abi));
        if found != wanted {
            return Err(FlashError::Identity { by, found, wanted });
        }
        return Ok((Verified::Device, format!("{by} says {found}")));
    }
    match ((plan.backend.usercode)(output), image.usercode()) {
        (Some(found), Some(wanted)) if found == wanted => {
            Ok((Verified::Usercode, format!("the part's user code is {}", Hex32(found))))
        }
        (Some(found), Some(wanted)) => Err(FlashError::Identity {
            by: "the part's user code".into(),
            found: Hex32(found).to_string(),
            wanted: Hex32(wanted).to_string(),
        }),
        _ => Ok((Verified::Nothing, "not checked: nothing tells what runs (--verify-device)".into())),
    }
}

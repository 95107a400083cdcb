//! The Verilated models: the one file of this crate with `unsafe`.
//!
//! A model is what `hotloop_verilate` built: it registered a descriptor of plain C functions (`hotloop_model.h`), which
//! is found here by name. Ports are resolved once; each cycle they cost a load or a store.
#![allow(unsafe_code)]

use std::{
    ffi::{c_char, c_void, CStr, CString},
    path::Path,
    ptr::NonNull,
};

use crate::SimError;

/// `hotloop_port` of hotloop_model.h.
#[repr(C)]
struct RawPort {
    name: *const c_char,
    width: u32,
    output: u32,
}

/// `hotloop_model` of hotloop_model.h.
#[repr(C)]
struct RawModel {
    name: *const c_char,
    ports: *const RawPort,
    port_count: u32,
    traced: u32,
    create: extern "C" fn() -> *mut c_void,
    destroy: extern "C" fn(*mut c_void),
    eval: extern "C" fn(*mut c_void) -> i32,
    port: extern "C" fn(*mut c_void, u32) -> *mut c_void,
    error: extern "C" fn(*mut c_void) -> *const c_char,
    trace_open: extern "C" fn(*mut c_void, *const c_char) -> i32,
    trace_dump: extern "C" fn(*mut c_void, u64),
    trace_close: extern "C" fn(*mut c_void),
    next: *const RawModel,
}

#[cfg(verilated)]
fn first() -> *const RawModel {
    extern "C" {
        fn hotloop_models() -> *const RawModel;
    }
    // SAFETY: returns a pointer that static constructors set before main; takes nothing.
    unsafe { hotloop_models() }
}

#[cfg(not(verilated))]
fn first() -> *const RawModel {
    std::ptr::null()
}

/// All descriptors of this program.
fn descriptors() -> impl Iterator<Item = &'static RawModel> {
    let mut at = first();
    std::iter::from_fn(move || {
        // SAFETY: null, or a C++ static with this layout, written only before main.
        let model: &'static RawModel = unsafe { at.as_ref() }?;
        at = model.next;
        Some(model)
    })
}

/// A name in a descriptor.
fn text(name: *const c_char) -> &'static str {
    // SAFETY: all names in descriptors are C++ string literals.
    unsafe { CStr::from_ptr(name) }.to_str().unwrap_or("?")
}

/// Names of the models in this program, sorted.
pub fn models() -> Vec<&'static str> {
    let mut names: Vec<_> = descriptors().map(|model| text(model.name)).collect();
    names.sort_unstable();
    names
}

/// A port of a model, found once by its name. Only for the model that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    index: u32,
    width: u32,
    output: bool,
}

impl Port {
    /// Width in bits.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// True when the model drives it.
    pub fn is_output(&self) -> bool {
        self.output
    }
}

/// Where a port's value is: 1, 2, 4 or 8 bytes up to a width of 8, 16, 32, 64 bits, 32-bit words above.
struct Slot {
    address: NonNull<c_void>,
    width: u32,
    output: bool,
    name: &'static str,
}

/// A running Verilated model.
pub struct Model {
    descriptor: &'static RawModel,
    handle: NonNull<c_void>,
    slots: Vec<Slot>,
}

// SAFETY: the model (with a VerilatedContext of its own) belongs to this value alone; Verilator ties neither to the
// thread that made it, and the runtime's per-thread state is set at each call.
unsafe impl Send for Model {}

impl Model {
    /// Creates a model of the kind `name`.
    pub fn open(name: &str) -> Result<Model, SimError> {
        let descriptor = descriptors()
            .find(|model| text(model.name) == name)
            .ok_or_else(|| SimError::UnknownModel { name: name.to_owned(), known: models() })?;
        let name = text(descriptor.name);
        let handle = NonNull::new((descriptor.create)()).ok_or(SimError::Create { name })?;
        let mut model = Model { descriptor, handle, slots: Vec::new() };
        for index in 0..descriptor.port_count {
            // SAFETY: the table has port_count entries.
            let port = unsafe { &*descriptor.ports.add(index as usize) };
            let address = (descriptor.port)(handle.as_ptr(), index);
            let address = NonNull::new(address).ok_or(SimError::Create { name })?;
            model.slots.push(Slot { address, width: port.width, output: port.output != 0, name: text(port.name) });
        }
        Ok(model)
    }

    /// The model's name.
    pub fn name(&self) -> &'static str {
        text(self.descriptor.name)
    }

    /// Finds a port.
    pub fn port(&self, name: &str) -> Result<Port, SimError> {
        self.find(name, |_| true).ok_or_else(|| self.unknown(format!("port {name}")))
    }

    /// Finds an input port of this width in bits.
    pub fn input(&self, name: &str, width: u32) -> Result<Port, SimError> {
        self.find(name, |slot| !slot.output && slot.width == width)
            .ok_or_else(|| self.unknown(format!("input {name} of {width} bits")))
    }

    /// Finds an output port of this width in bits.
    pub fn output(&self, name: &str, width: u32) -> Result<Port, SimError> {
        self.find(name, |slot| slot.output && slot.width == width)
            .ok_or_else(|| self.unknown(format!("output {name} of {width} bits")))
    }

    /// All ports, with their names.
    pub fn ports(&self) -> impl Iterator<Item = (&'static str, Port)> + '_ {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, slot)| (slot.name, Port { index: i as u32, width: slot.width, output: slot.output }))
    }

    fn find(&self, name: &str, fits: impl Fn(&Slot) -> bool) -> Option<Port> {
        let index = self.slots.iter().position(|slot| slot.name == name && fits(slot))?;
        let slot = &self.slots[index];
        Some(Port { index: index as u32, width: slot.width, output: slot.output })
    }

    fn unknown(&self, wanted: String) -> SimError {
        let kind = |slot: &Slot| if slot.output { "output" } else { "input" };
        let known = self.slots.iter().map(|slot| format!("{} ({} {})", slot.name, kind(slot), slot.width)).collect();
        SimError::UnknownPort { model: self.name(), wanted, known }
    }

    /// Sets an input to the low bits of `value`; the bits of a wider port above 64 become zero.
    ///
    /// # Panics
    /// On an output.
    #[inline]
    pub fn set(&mut self, port: Port, value: u64) {
        let slot = &self.slots[port.index as usize];
        assert!(!slot.output, "{} is an output", slot.name);
        let value = value & mask(slot.width);
        // SAFETY: the address is the port's own storage, of this size for this width and aligned for it, alive as long
        // as the model; `&mut self` excludes an evaluation on the side.
        unsafe {
            match slot.width {
                0..=8 => slot.address.cast::<u8>().write(value as u8),
                9..=16 => slot.address.cast::<u16>().write(value as u16),
                17..=32 => slot.address.cast::<u32>().write(value as u32),
                33..=64 => slot.address.cast::<u64>().write(value),
                _ => self.set_words(port, &[value]),
            }
        }
    }

    /// Value of an input or output; of a port wider than 64 bits, its low 64.
    #[inline]
    pub fn get(&self, port: Port) -> u64 {
        let slot = &self.slots[port.index as usize];
        // SAFETY: as in `set`; `&self` excludes an evaluation on the side.
        unsafe {
            match slot.width {
                0..=8 => slot.address.cast::<u8>().read().into(),
                9..=16 => slot.address.cast::<u16>().read().into(),
                17..=32 => slot.address.cast::<u32>().read().into(),
                33..=64 => slot.address.cast::<u64>().read(),
                _ => {
                    let low = slot.address.cast::<u32>();
                    u64::from(low.read()) | u64::from(low.add(1).read()) << 32
                }
            }
        }
    }

    /// Sets an input of any width, low word first. Words that are missing are zero, bits above the port's width are
    /// ignored.
    ///
    /// # Panics
    /// On an output.
    #[inline]
    pub fn set_words(&mut self, port: Port, words: &[u64]) {
        let slot = &self.slots[port.index as usize];
        assert!(!slot.output, "{} is an output", slot.name);
        if slot.width <= 64 {
            return self.set(port, words.first().copied().unwrap_or(0));
        }
        let storage = slot.address.cast::<u32>();
        for half in 0..slot.width.div_ceil(32) {
            let word = words.get(half as usize / 2).copied().unwrap_or(0);
            let value = (word >> (half % 2 * 32)) as u32 & mask(slot.width - 32 * half) as u32;
            // SAFETY: a port of more than 64 bits is an array of width/32 words, rounded up; otherwise as in `set`.
            unsafe { storage.add(half as usize).write(value) };
        }
    }

    /// Value of a port of any width, low word first; words above the port's width become zero, and bits that find no
    /// room in `words` are left out.
    #[inline]
    pub fn get_words(&self, port: Port, words: &mut [u64]) {
        let slot = &self.slots[port.index as usize];
        words.fill(0);
        if slot.width <= 64 {
            if let Some(first) = words.first_mut() {
                *first = self.get(port);
            }
            return;
        }
        let storage = slot.address.cast::<u32>();
        for half in 0..(slot.width.div_ceil(32) as usize).min(2 * words.len()) {
            // SAFETY: as in `set_words`; `&self` excludes an evaluation on the side.
            let value = unsafe { storage.add(half).read() };
            words[half / 2] |= u64::from(value) << (half % 2 * 32);
        }
    }

    /// Brings the outputs up to date with the inputs.
    #[inline]
    pub fn eval(&mut self) -> Result<(), SimError> {
        match (self.descriptor.eval)(self.handle.as_ptr()) {
            0 => Ok(()),
            _ => Err(self.stopped()),
        }
    }

    #[cold]
    fn stopped(&self) -> SimError {
        // SAFETY: a NUL-terminated text that the model keeps until its next call.
        let reason = unsafe { CStr::from_ptr((self.descriptor.error)(self.handle.as_ptr())) };
        SimError::Stopped { model: self.name(), reason: reason.to_string_lossy().into_owned() }
    }

    /// True when the model can write a waveform.
    pub fn can_trace(&self) -> bool {
        self.descriptor.traced != 0
    }

    /// Opens the waveform (VCD); a model writes one in its life.
    pub(crate) fn trace_open(&mut self, path: &Path) -> Result<(), SimError> {
        if !self.can_trace() {
            return Err(SimError::NotTraced { model: self.name() });
        }
        let shown = path.display().to_string();
        let opened = CString::new(path.as_os_str().as_encoded_bytes())
            .is_ok_and(|path| (self.descriptor.trace_open)(self.handle.as_ptr(), path.as_ptr()) == 0);
        if opened {
            Ok(())
        } else {
            Err(SimError::TraceFile { path: shown })
        }
    }

    /// Writes the signals' values at a time, which must rise.
    pub(crate) fn trace_dump(&mut self, time: u64) {
        (self.descriptor.trace_dump)(self.handle.as_ptr(), time);
    }

    /// Completes the waveform.
    pub(crate) fn trace_close(&mut self) {
        (self.descriptor.trace_close)(self.handle.as_ptr());
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        (self.descriptor.destroy)(self.handle.as_ptr());
    }
}

/// The low `width` bits.
#[inline]
fn mask(width: u32) -> u64 {
    if width >= 64 {
        u64::MAX
    } else {
        (1 << width) - 1
    }
}

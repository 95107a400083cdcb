//! The part: instructions, data registers, configuration and the bridge to its flash.

use crate::{
    bitstream::{Configuration, Interpreter, Progress, Source},
    boot::boot,
    flash::SpiFlash,
    parts::Part,
    status::Status,
    tap::Tap,
};

/// Instructions (Lattice FPGA-TN-02039, table "JTAG instructions"). All others bypass.
pub mod instruction {
    /// Reads IDCODE, which is also there after a reset.
    pub const IDCODE: u8 = 0xe0;
    /// Reads the configuration's user code.
    pub const USERCODE: u8 = 0xc0;
    /// Reads the status register.
    pub const LSC_READ_STATUS: u8 = 0x3c;
    /// Reads one bit: busy.
    pub const LSC_CHECK_BUSY: u8 = 0xf0;
    /// Takes configuration commands from now on; 8 bits.
    pub const ISC_ENABLE: u8 = 0xc6;
    /// The end of that.
    pub const ISC_DISABLE: u8 = 0x26;
    /// Clears the configuration; 8 bits.
    pub const ISC_ERASE: u8 = 0x0e;
    /// Sets the frame address to the first one.
    pub const LSC_INIT_ADDRESS: u8 = 0x46;
    /// Takes a bitstream, most significant bit of each byte first.
    pub const LSC_BITSTREAM_BURST: u8 = 0x7a;
    /// Starts again from flash, as after power-on.
    pub const LSC_REFRESH: u8 = 0x79;
    /// With 0x68fe as data: puts the flash between TDI and TDO.
    pub const LSC_PROG_SPI: u8 = 0x3a;
    /// One bit between TDI and TDO.
    pub const BYPASS: u8 = 0xff;
}

/// What [`instruction::LSC_PROG_SPI`] wants to be sure.
const SPI_KEY: u64 = 0x68fe;
/// Clocks for which a command keeps the part busy. Real ones count in milliseconds.
const ENABLE_CLOCKS: u32 = 100;
const ERASE_CLOCKS: u32 = 4000;
const REFRESH_CLOCKS: u32 = 8000;

/// An ECP5 with a flash at its SPI port.
#[derive(Debug)]
pub struct Ecp5 {
    part: Part,
    flash: Option<SpiFlash>,
    configuration: Configuration,
    status: u32,
    busy: u32,
    tap: Tap,
    ir: u8,
    ir_shift: u8,
    dr: u64,
    dr_bits: u32,
    /// The instruction acts when the port comes to Run-Test/Idle.
    pending: bool,
    burst: Option<Interpreter>,
    bridge: bool,
}

impl Ecp5 {
    /// The part after power-on: started from its flash, where it has one with an image.
    pub fn new(part: Part, flash: Option<SpiFlash>) -> Ecp5 {
        let mut ecp5 = Ecp5 {
            part,
            flash,
            configuration: Configuration::default(),
            status: 0,
            busy: 0,
            tap: Tap::default(),
            ir: instruction::IDCODE,
            ir_shift: 0,
            dr: 0,
            dr_bits: 1,
            pending: false,
            burst: None,
            bridge: false,
        };
        ecp5.refresh();
        ecp5.busy = 0;
        ecp5
    }

    /// Which part it is.
    pub fn part(&self) -> Part {
        self.part
    }

    /// What it holds.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Its flash.
    pub fn flash(&self) -> Option<&SpiFlash> {
        self.flash.as_ref()
    }

    /// Its flash, to put things into.
    pub fn flash_mut(&mut self) -> Option<&mut SpiFlash> {
        self.flash.as_mut()
    }

    /// The status register.
    pub fn status(&self) -> Status {
        let busy = if self.busy > 0 { Status::BUSY } else { 0 };
        Status(self.status | busy | Status::JTAG_ACTIVE)
    }

    /// Power off and on, with the flash as it is.
    pub fn power_cycle(&mut self) {
        *self = Ecp5::new(self.part, self.flash.take());
    }

    /// A clock: what TDO is before the rising edge, and then the edge.
    pub fn clock(&mut self, tms: bool, tdi: bool) -> bool {
        let tdo = match self.tap {
            Tap::ShiftIr => self.ir_shift & 1 != 0,
            Tap::ShiftDr => match &self.flash {
                Some(flash) if self.bridge => flash.output(),
                None if self.bridge => true,
                _ => self.dr & 1 != 0,
            },
            _ => true,
        };
        self.busy = self.busy.saturating_sub(1);
        match self.tap {
            Tap::CaptureIr => self.ir_shift = 0b01,
            Tap::ShiftIr => self.ir_shift = self.ir_shift >> 1 | u8::from(tdi) << 7,
            Tap::CaptureDr => self.capture(),
            Tap::ShiftDr => self.shift(tdi),
            _ => {}
        }
        self.tap = self.tap.next(tms);
        match self.tap {
            Tap::TestLogicReset => self.select(instruction::IDCODE),
            Tap::UpdateIr => {
                self.select(self.ir_shift);
                self.pending = true;
            }
            Tap::UpdateDr => {
                self.pending = true;
                if let (true, Some(flash)) = (self.bridge, &mut self.flash) {
                    flash.deselect();
                }
            }
            Tap::RunTestIdle if self.pending => {
                self.pending = false;
                self.act();
            }
            _ => {}
        }
        tdo
    }

    fn select(&mut self, instruction: u8) {
        if self.ir != instruction || self.tap == Tap::TestLogicReset {
            if let (true, Some(flash)) = (self.bridge, &mut self.flash) {
                flash.deselect();
            }
            (self.burst, self.bridge) = (None, false);
        }
        self.ir = instruction;
        self.dr_bits = 0;
        self.pending = false;
    }

    fn capture(&mut self) {
        (self.dr, self.dr_bits) = match self.ir {
            instruction::IDCODE => (self.part.idcode.into(), 32),
            instruction::USERCODE => (self.configuration.usercode.into(), 32),
            instruction::LSC_READ_STATUS => (self.status().0.into(), 32),
            instruction::LSC_CHECK_BUSY => (u64::from(self.busy > 0), 1),
            instruction::ISC_ENABLE | instruction::ISC_ERASE => (0, 8),
            instruction::LSC_PROG_SPI => (0, 16),
            _ => (0, 1),
        };
    }

    fn shift(&mut self, tdi: bool) {
        if self.bridge {
            if let Some(flash) = &mut self.flash {
                flash.clock(tdi);
            }
        } else if let Some(burst) = &mut self.burst {
            if burst.progress() == Progress::Under {
                let progress = burst.push(tdi, &mut self.configuration);
                if burst.preamble() {
                    self.status |= Status::STANDARD_PREAMBLE;
                }
                match progress {
                    Progress::Under | Progress::Jump(_) => {}
                    Progress::Done => self.status |= Status::DONE,
                    Progress::Refused(fault) => self.status |= Status::of_fault(fault),
                }
            }
        } else if self.dr_bits > 0 {
            self.dr = self.dr >> 1 | u64::from(tdi) << (self.dr_bits - 1);
        }
    }

    /// What the instruction does, with the data that came.
    fn act(&mut self) {
        let enabled = self.status & Status::ISC_ENABLE != 0;
        match self.ir {
            instruction::ISC_ENABLE if self.dr_bits == 8 => {
                self.status &= Status::DONE;
                self.status |= Status::ISC_ENABLE | Status::WRITE_ENABLE | Status::READ_ENABLE;
                self.busy = ENABLE_CLOCKS;
            }
            instruction::ISC_DISABLE => {
                self.status &= !(Status::ISC_ENABLE | Status::WRITE_ENABLE | Status::READ_ENABLE);
                self.busy = ENABLE_CLOCKS;
            }
            // Bit 0 of the operand: the configuration memory, which is all that an ECP5 has to erase.
            instruction::ISC_ERASE if self.dr_bits == 8 && enabled => {
                if self.dr & 1 != 0 {
                    self.configuration = Configuration::default();
                    self.status &= Status::ISC_ENABLE | Status::WRITE_ENABLE | Status::READ_ENABLE;
                }
                self.busy = ERASE_CLOCKS;
            }
            instruction::ISC_ERASE if self.dr_bits == 8 => self.status |= Status::FAIL,
            instruction::LSC_INIT_ADDRESS if enabled => self.configuration.frames.clear(),
            instruction::LSC_BITSTREAM_BURST if self.burst.is_none() => {
                if enabled && self.busy == 0 {
                    self.burst = Some(Interpreter::new(self.part, Source::Jtag));
                } else {
                    self.status |= Status::FAIL;
                }
            }
            instruction::LSC_REFRESH => self.refresh(),
            // Once configured, the flash's pins belong to the design.
            instruction::LSC_PROG_SPI if self.dr_bits == 16 && self.dr == SPI_KEY && !self.bridge => {
                self.bridge = self.status & Status::DONE == 0;
            }
            _ => {}
        }
    }

    fn refresh(&mut self) {
        let flash = self.flash.as_ref().map(SpiFlash::bytes);
        (self.configuration, self.status) = boot(self.part, flash);
        self.busy = REFRESH_CLOCKS;
    }
}

//! The configuration engine: what the part does with the bytes of a bitstream.
//!
//! Commands, their lengths and what the CRC covers: Lattice FPGA-TN-02039 and Project Trellis, "bitstream format".

use std::collections::BTreeMap;

use crate::{crc::Crc16, decompress::Decompressor, parts::Part};

const PREAMBLE: u32 = 0xffff_bdb3;
/// Bytes of one write to block memory: eight words of nine bits.
const EBR_GROUP: usize = 9;
/// Such groups in one block memory (2,048 × 9 bits).
const EBR_GROUPS: u16 = 256;

mod command {
    pub const DUMMY: u8 = 0xff;
    pub const COMPRESSION_DICTIONARY: u8 = 0x02;
    pub const CONTROL_0: u8 = 0x22;
    pub const CONTROL_1: u8 = 0x23;
    pub const RESET_CRC: u8 = 0x3b;
    pub const INIT_ADDRESS: u8 = 0x46;
    pub const DONE: u8 = 0x5e;
    pub const SPI_MODE: u8 = 0x79;
    pub const JUMP: u8 = 0x7e;
    pub const FRAMES: u8 = 0x82;
    pub const SED_CRC: u8 = 0xa2;
    pub const EBR_WRITE: u8 = 0xb2;
    pub const FRAMES_COMPRESSED: u8 = 0xb8;
    pub const USERCODE: u8 = 0xc2;
    pub const SECURITY: u8 = 0xce;
    pub const VERIFY_ID: u8 = 0xe2;
    pub const EBR_ADDRESS: u8 = 0xf6;

    /// Bytes behind a command that is known.
    pub fn operands(command: u8) -> Option<usize> {
        Some(match command {
            RESET_CRC | INIT_ADDRESS | FRAMES | FRAMES_COMPRESSED | EBR_WRITE | DONE | SECURITY | SPI_MODE => 3,
            VERIFY_ID | CONTROL_0 | CONTROL_1 | USERCODE | EBR_ADDRESS | SED_CRC | JUMP => 7,
            COMPRESSION_DICTIONARY => 11,
            _ => return None,
        })
    }
}

/// Why a bitstream was refused: the status register's error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// For another part.
    Id = 1,
    /// A command that there is not, or not here.
    Command = 2,
    /// A checksum is wrong.
    Crc = 3,
    /// No preamble where one is wanted.
    Preamble = 4,
    /// Ended from outside.
    Abort = 5,
    /// More frames than the part has.
    Overflow = 6,
    /// The flash ended before the image.
    End = 7,
}

impl Fault {
    pub(crate) const ALL: [Fault; 7] =
        [Fault::Id, Fault::Command, Fault::Crc, Fault::Preamble, Fault::Abort, Fault::Overflow, Fault::End];
}

/// Where a bitstream comes from: some commands are for the flash only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Through the JTAG port.
    Jtag,
    /// From the flash, by the part itself.
    Flash,
}

/// What the part holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Frames as they came, the first one first.
    pub frames: Vec<u8>,
    /// Block memories' contents: block, then group of eight words of nine bits.
    pub ebr: BTreeMap<(u16, u16), [u8; EBR_GROUP]>,
    /// What `ISC_PROGRAM_USERCODE` said.
    pub usercode: u32,
}

/// How far a bitstream came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is wanted.
    Under,
    /// `ISC_PROGRAM_DONE` came.
    Done,
    /// Refused; what follows is not looked at.
    Refused(Fault),
    /// It goes on at another address of the flash.
    Jump(u32),
}

#[derive(Clone, Copy, Debug)]
enum State {
    Preamble,
    Command,
    Operands {
        command: u8,
    },
    /// A checksum, and then what the command asks for.
    Check {
        command: u8,
        second: bool,
    },
    Frame,
    FrameCheck {
        second: bool,
    },
    Dummies {
        left: u8,
    },
    End(Progress),
}

/// A run of frames, or of groups for block memories.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    command: u8,
    left: u16,
    check: bool,
    check_each: bool,
    dummies: u8,
}

/// Reads a bitstream.
#[derive(Clone, Debug)]
pub struct Interpreter {
    part: Part,
    source: Source,
    state: State,
    shifted: u32,
    bits: u8,
    crc: Crc16,
    operands: Vec<u8>,
    run: Run,
    frame: Vec<u8>,
    decompressor: Decompressor,
    dictionary: bool,
    ebr: (u16, u16),
}

impl Interpreter {
    /// Waits for a preamble.
    pub fn new(part: Part, source: Source) -> Interpreter {
        Interpreter {
            part,
            source,
            state: State::Preamble,
            shifted: 0,
            bits: 0,
            crc: Crc16::default(),
            operands: Vec::new(),
            run: Run::default(),
            frame: Vec::new(),
            decompressor: Decompressor::default(),
            dictionary: false,
            ebr: (0, 0),
        }
    }

    /// How far it came.
    pub fn progress(&self) -> Progress {
        match self.state {
            State::End(progress) => progress,
            _ => Progress::Under,
        }
    }

    /// Whether there was a preamble.
    pub fn preamble(&self) -> bool {
        !matches!(self.state, State::Preamble)
    }

    /// One bit, the most significant of a byte first; a preamble may start at any bit.
    pub fn push(&mut self, bit: bool, to: &mut Configuration) -> Progress {
        self.shifted = self.shifted << 1 | u32::from(bit);
        if let State::Preamble = self.state {
            if self.shifted == PREAMBLE {
                (self.state, self.bits) = (State::Command, 0);
            }
            return Progress::Under;
        }
        self.bits += 1;
        if self.bits == 8 {
            self.bits = 0;
            self.byte(self.shifted as u8, to);
        }
        self.progress()
    }

    /// Eight bits.
    pub fn push_byte(&mut self, byte: u8, to: &mut Configuration) -> Progress {
        (0..8).rev().for_each(|bit| {
            self.push(byte >> bit & 1 != 0, to);
        });
        self.progress()
    }

    fn byte(&mut self, byte: u8, to: &mut Configuration) {
        // Dummies between commands are not in the checksum, and nothing is looked at behind the end.
        match self.state {
            State::End(_) | State::Preamble => return,
            State::Command if byte == command::DUMMY => return,
            _ => self.crc.update(byte),
        }
        match self.state {
            State::End(_) | State::Preamble => {}
            State::Command => match command::operands(byte) {
                Some(_) => {
                    self.operands.clear();
                    self.state = State::Operands { command: byte };
                }
                None => self.refuse(Fault::Command),
            },
            State::Operands { command } => {
                self.operands.push(byte);
                if Some(self.operands.len()) == command::operands(command) {
                    // Bit 7 of the first operand: a checksum follows. With frames, it follows those.
                    let frames = [command::FRAMES, command::FRAMES_COMPRESSED, command::EBR_WRITE].contains(&command);
                    if self.operands[0] & 0x80 != 0 && !frames {
                        self.state = State::Check { command, second: false };
                    } else {
                        self.execute(command, to);
                    }
                }
            }
            State::Check { command, second: false } => self.state = State::Check { command, second: true },
            State::Check { command, second: true } => {
                if self.checked() {
                    self.execute(command, to);
                }
            }
            State::Frame => self.frame_byte(byte, to),
            State::FrameCheck { second: false } => self.state = State::FrameCheck { second: true },
            State::FrameCheck { second: true } => {
                if self.checked() {
                    self.dummies();
                }
            }
            State::Dummies { left: 0 | 1 } => self.next_frame(),
            State::Dummies { left } => self.state = State::Dummies { left: left - 1 },
        }
    }

    fn refuse(&mut self, fault: Fault) {
        self.state = State::End(Progress::Refused(fault));
    }

    /// Behind a checksum: over a message and its own checksum, this CRC is zero.
    fn checked(&mut self) -> bool {
        if self.crc.value() != 0 {
            self.refuse(Fault::Crc);
            return false;
        }
        self.crc = Crc16::default();
        true
    }

    fn execute(&mut self, command: u8, to: &mut Configuration) {
        let long = |bytes: &[u8]| bytes.iter().fold(0u32, |value, &byte| value << 8 | u32::from(byte));
        let value = long(&self.operands[3..self.operands.len().min(7)]);
        self.state = State::Command;
        match command {
            command::RESET_CRC => self.crc = Crc16::default(),
            command::VERIFY_ID if value != self.part.idcode => self.refuse(Fault::Id),
            command::COMPRESSION_DICTIONARY => {
                // The last entry comes first.
                for (entry, byte) in self.decompressor.dictionary.iter_mut().rev().zip(&self.operands[3..]) {
                    *entry = *byte;
                }
                self.dictionary = true;
            }
            command::FRAMES_COMPRESSED if !self.dictionary => self.refuse(Fault::Command),
            command::FRAMES | command::FRAMES_COMPRESSED | command::EBR_WRITE => {
                let flags = self.operands[0];
                self.run = Run {
                    command,
                    left: u16::from_be_bytes([self.operands[1], self.operands[2]]),
                    check: flags & 0x80 != 0,
                    check_each: flags & 0x40 == 0,
                    dummies: flags & 0x0f,
                };
                self.next_frame();
            }
            command::EBR_ADDRESS => self.ebr = ((value >> 11 & 0x3ff) as u16, (value >> 3 & 0xff) as u16),
            command::USERCODE => to.usercode = value,
            // Asked for through JTAG, the flash has nothing of that mode, and the part gives up.
            command::SPI_MODE if self.source == Source::Jtag => self.refuse(Fault::Abort),
            command::JUMP if self.source == Source::Jtag => self.refuse(Fault::Command),
            // Behind the flash's read command, 24 bits of address.
            command::JUMP => self.state = State::End(Progress::Jump(value & 0xff_ffff)),
            command::DONE => self.state = State::End(Progress::Done),
            _ => {}
        }
    }

    fn next_frame(&mut self) {
        self.state = if self.run.left == 0 { State::Command } else { State::Frame };
        self.frame.clear();
        self.decompressor.restart();
    }

    fn frame_byte(&mut self, byte: u8, to: &mut Configuration) {
        let bytes = self.part.frame_bytes();
        match self.run.command {
            command::EBR_WRITE => {
                self.frame.push(byte);
                if let Ok(group) = <[u8; EBR_GROUP]>::try_from(self.frame.as_slice()) {
                    to.ebr.insert(self.ebr, group);
                    self.ebr.1 += 1;
                    if self.ebr.1 == EBR_GROUPS {
                        self.ebr = ((self.ebr.0 + 1) & 0x3ff, 0);
                    }
                    self.frame_done();
                }
            }
            command::FRAMES_COMPRESSED => {
                // Zeros in front make it a multiple of 64 bits.
                let padded = bytes.next_multiple_of(8);
                for bit in (0..8).rev() {
                    if let Some(plain) = self.decompressor.push(byte >> bit & 1 != 0) {
                        self.frame.push(plain);
                        if self.frame.len() == padded {
                            self.store(padded - bytes, to);
                            return;
                        }
                    }
                }
            }
            _ => {
                self.frame.push(byte);
                if self.frame.len() == bytes {
                    self.store(0, to);
                }
            }
        }
    }

    fn store(&mut self, padding: usize, to: &mut Configuration) {
        if to.frames.len() == usize::from(self.part.frames) * self.part.frame_bytes() {
            self.refuse(Fault::Overflow);
            return;
        }
        to.frames.extend_from_slice(&self.frame[padding..]);
        self.frame_done();
    }

    fn frame_done(&mut self) {
        self.run.left -= 1;
        if self.run.check && (self.run.check_each || self.run.left == 0) {
            self.state = State::FrameCheck { second: false };
        } else {
            self.dummies();
        }
    }

    fn dummies(&mut self) {
        match self.run.dummies {
            0 => self.next_frame(),
            left => self.state = State::Dummies { left },
        }
    }
}

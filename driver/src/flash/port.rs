//! The registers of the port: bytes out, as many in.

use std::{
    thread,
    time::{Duration, Instant},
};

use hotloop_regs::{
    map::{self, FLASH_COMMAND_BYTES as BYTES, FLASH_KIND_SPI},
    FlashCommand, FlashState,
};

use super::FlashError;
use crate::bar::Bar;

/// A command of four bytes takes two microseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// Looks at the state before the wait gives the processor away.
const SPINS: u32 = 64;

pub(super) struct Port {
    bar: Bar,
    name: String,
    number: u64,
}

impl Port {
    /// Finds it, with chip select high and the clock seen by the chip: the first three clocks after configuration are not, on
    /// parts of the 7 series (Xilinx UG470).
    pub(super) fn open(bar: Bar, name: &str) -> Result<Port, FlashError> {
        let state = u64::from(bar.read32(&map::FLASH_STATE)?);
        let name = name.to_owned();
        match FlashState::kind.of(state) as u32 {
            0 => return Err(FlashError::NoPort { name }),
            FLASH_KIND_SPI => {}
            kind => return Err(FlashError::UnknownPort { name, kind }),
        }
        let mut port = Port { bar, name, number: FlashState::number.of(state) };
        port.command(&[0xff; BYTES], false)?;
        Ok(port)
    }

    /// One exchange with the chip: `out` goes, and then `wanted` bytes come.
    pub(super) fn exchange(&mut self, out: &[u8], wanted: usize) -> Result<Vec<u8>, FlashError> {
        for part in out.chunks(BYTES) {
            self.command(part, true)?;
        }
        let mut found = Vec::with_capacity(wanted);
        while found.len() < wanted {
            let count = (wanted - found.len()).min(BYTES);
            self.command(&[0; BYTES][..count], true)?;
            let word = self.bar.read32(&map::FLASH_IN)?;
            found.extend_from_slice(&word.to_be_bytes()[BYTES - count..]);
        }
        self.command(&[], false)?;
        Ok(found)
    }

    /// At most four bytes, waited for.
    fn command(&mut self, out: &[u8], select: bool) -> Result<(), FlashError> {
        let mut bytes = [0; BYTES];
        bytes[..out.len()].copy_from_slice(out);
        self.number = (self.number + 1) & FlashState::number.of(u64::MAX);
        if !out.is_empty() {
            self.bar.write(&map::FLASH_OUT, u32::from_be_bytes(bytes).into())?;
        }
        let fields = [
            (FlashCommand::number, self.number),
            (FlashCommand::count, out.len() as u64),
            (FlashCommand::select, select.into()),
        ];
        let command = fields.iter().fold(0, |command, (field, value)| command | value << field.bit);
        self.bar.write(&map::FLASH_COMMAND, command)?;
        let start = Instant::now();
        let mut looks = 0;
        while FlashState::number.of(self.bar.read32(&map::FLASH_STATE)?.into()) != self.number {
            if start.elapsed() > PATIENCE {
                return Err(FlashError::Stuck { name: self.name.clone(), what: "port", waited: PATIENCE });
            }
            looks += 1;
            if looks > SPINS {
                thread::sleep(Duration::from_micros(50));
            }
        }
        Ok(())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

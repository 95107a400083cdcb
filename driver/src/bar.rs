//! [`Bar`]: registers by name.

use std::sync::Arc;

use hotloop_regs::{map, Register};

use crate::{error::DriverError, function::PciFunction};

/// Attempts at a 64-bit read before the register counts as broken: a high half changes once in 2^32 steps.
const READ_ATTEMPTS: u32 = 4;

/// Hotloop's registers, in BAR0 of a function.
pub struct Bar {
    function: Arc<dyn PciFunction>,
}

impl Bar {
    /// BAR0 of `function`.
    pub fn new(function: Arc<dyn PciFunction>) -> Bar {
        Bar { function }
    }

    /// What the way to the board has reported: see [`PciFunction::check`].
    pub fn check(&self) -> Result<(), DriverError> {
        Ok(self.function.check()?)
    }

    /// Reads a register of 32 or 64 bits.
    ///
    /// A dead bus answers every read with all ones, and `MAGIC` is never all ones: so that is asked when any word is.
    pub fn read(&self, register: &Register) -> Result<u64, DriverError> {
        let value =
            if register.width == 64 { self.read_pair(register)? } else { u64::from(self.word(register.offset)?) };
        let ones = value as u32 == u32::MAX || (register.width == 64 && (value >> 32) as u32 == u32::MAX);
        if ones && self.word(map::MAGIC.offset)? == u32::MAX {
            return Err(DriverError::Gone { name: self.function.name(), register: register.name });
        }
        Ok(value)
    }

    /// Reads a 32-bit register.
    pub fn read32(&self, register: &Register) -> Result<u32, DriverError> {
        debug_assert_eq!(register.width, 32, "{}", register.name);
        Ok(self.read(register)? as u32)
    }

    /// Writes a register of 32 or 64 bits (low word first); of a 32-bit register, the low half of `value`.
    pub fn write(&self, register: &Register, value: u64) -> Result<(), DriverError> {
        self.put(register.offset, value as u32)?;
        if register.width == 64 {
            self.put(register.offset + 4, (value >> 32) as u32)?;
        }
        Ok(())
    }

    /// High, low, high: a carry between the halves shows as two different high words.
    fn read_pair(&self, register: &Register) -> Result<u64, DriverError> {
        let mut high = self.word(register.offset + 4)?;
        for _ in 0..READ_ATTEMPTS {
            let low = self.word(register.offset)?;
            let again = self.word(register.offset + 4)?;
            if again == high {
                return Ok(u64::from(high) << 32 | u64::from(low));
            }
            high = again;
        }
        Err(DriverError::Unstable { register: register.name })
    }

    fn word(&self, offset: u32) -> Result<u32, DriverError> {
        let mut bytes = [0; 4];
        self.function.region_read(0, offset.into(), &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn put(&self, offset: u32, value: u32) -> Result<(), DriverError> {
        Ok(self.function.region_write(0, offset.into(), &value.to_le_bytes())?)
    }
}

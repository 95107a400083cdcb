//! [`crate::MAP_HASH`]: FNV-1a, 64 bits, computed by the compiler.

use crate::{
    descriptor::{
        Completion, Descriptor, Error, Fault, Field, FlashCommand, FlashState, Monitor, MonitorKind, Opcode,
        ParameterSet,
    },
    map::REGISTERS,
};

/// Offset basis and prime of FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

const fn byte(hash: u64, value: u8) -> u64 {
    (hash ^ value as u64).wrapping_mul(PRIME)
}

const fn number(mut hash: u64, value: u32) -> u64 {
    let bytes = value.to_le_bytes();
    let mut i = 0;
    while i < 4 {
        hash = byte(hash, bytes[i]);
        i += 1;
    }
    hash
}

const fn text(mut hash: u64, value: &str) -> u64 {
    let bytes = value.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        hash = byte(hash, bytes[i]);
        i += 1;
    }
    byte(hash, 0)
}

const fn fields(mut hash: u64, fields: &[Field]) -> u64 {
    let mut i = 0;
    while i < fields.len() {
        hash = number(number(text(hash, fields[i].name), fields[i].bit), fields[i].width);
        i += 1;
    }
    hash
}

macro_rules! codes {
    ($hash:ident, $($enum:ident),*) => {
        $(
            let mut i = 0;
            while i < $enum::ALL.len() {
                $hash = number(text($hash, $enum::ALL[i].name()), $enum::ALL[i].code());
                i += 1;
            }
        )*
    };
}

pub(crate) const fn map_hash() -> u64 {
    let mut hash = number(BASIS, crate::ABI);
    let mut i = 0;
    while i < REGISTERS.len() {
        let r = &REGISTERS[i];
        hash = text(number(number(text(hash, r.name), r.offset), r.width), r.access.name());
        i += 1;
    }
    hash = fields(hash, Descriptor::FIELDS);
    hash = fields(hash, Completion::FIELDS);
    hash = fields(hash, Monitor::FIELDS);
    hash = fields(hash, FlashCommand::FIELDS);
    hash = fields(hash, FlashState::FIELDS);
    codes!(hash, Opcode, ParameterSet, Error, Fault, MonitorKind);
    hash
}

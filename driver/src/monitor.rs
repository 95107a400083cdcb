//! [`Reading`]: what the part's monitor of temperature and supplies says, from the codes in register MONITOR.

use hotloop_regs::{map, Monitor, MonitorKind};

use crate::{bar::Bar, error::DriverError};

/// Temperature and supplies of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What measured them.
    pub kind: MonitorKind,
    /// Whether the monitor measured against its reference on the chip, not against one of the board.
    pub on_chip: bool,
    /// Temperature of the die in degrees Celsius.
    pub celsius: f64,
    /// The core's supply in volts.
    pub vccint: f64,
    /// The auxiliary supply in volts.
    pub vccaux: f64,
}

/// What a board says of its monitor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MonitorState {
    /// Nothing reads a monitor on this board.
    Absent,
    /// There is one, and it does not answer, or has not yet.
    Silent(MonitorKind),
    /// There is one of a kind that this driver does not know.
    Unknown(u32),
    /// There is one.
    Answers(Reading),
}

impl MonitorState {
    /// Asks a board.
    pub fn read(bar: &Bar) -> Result<MonitorState, DriverError> {
        Ok(MonitorState::decode(bar.read(&map::MONITOR)?))
    }

    /// What a value of register MONITOR says.
    pub fn decode(register: u64) -> MonitorState {
        let code = Monitor::kind.of(register) as u32;
        let kind = match (code, MonitorKind::from_code(code)) {
            (0, _) => return MonitorState::Absent,
            (_, None) => return MonitorState::Unknown(code),
            (_, Some(kind)) => kind,
        };
        if Monitor::present.of(register) == 0 {
            return MonitorState::Silent(kind);
        }
        let on_chip = Monitor::on_chip.of(register) == 1;
        MonitorState::Answers(Reading {
            kind,
            on_chip,
            celsius: celsius(kind, on_chip, Monitor::temperature.of(register)),
            vccint: volts(Monitor::vccint.of(register)),
            vccaux: volts(Monitor::vccaux.of(register)),
        })
    }
}

/// Degrees Celsius of a code of 16 bits: scale · code ÷ 2^16 − offset. UG480 (XADC: one formula for both references);
/// UG580 (SYSMONE1 and SYSMONE4: one for each reference).
fn celsius(kind: MonitorKind, on_chip: bool, code: u64) -> f64 {
    let (scale, offset) = match (kind, on_chip) {
        (MonitorKind::Xadc, _) => (503.975, 273.15),
        (MonitorKind::Sysmone1, true) => (501.3743, 273.6777),
        (MonitorKind::Sysmone1, false) => (502.9098, 273.8195),
        (MonitorKind::Sysmone4, true) => (509.314_006_4, 280.230_878_7),
        (MonitorKind::Sysmone4, false) => (507.592_131_0, 279.426_576_8),
    };
    scale * code as f64 / 65536.0 - offset
}

/// Volts of a code of 16 bits: VCCINT and VCCAUX have a full scale of 3 V in all kinds (UG480, UG580).
fn volts(code: u64) -> f64 {
    3.0 * code as f64 / 65536.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(kind: u64, present: u64, on_chip: u64, codes: [u64; 3]) -> u64 {
        let [temperature, vccint, vccaux] = codes;
        [
            (Monitor::temperature, temperature),
            (Monitor::vccint, vccint),
            (Monitor::vccaux, vccaux),
            (Monitor::kind, kind),
            (Monitor::present, present),
            (Monitor::on_chip, on_chip),
        ]
        .into_iter()
        .fold(0, |register, (field, value)| register | value << field.bit)
    }

    fn reading(kind: MonitorKind, on_chip: bool, codes: [u64; 3]) -> Reading {
        match MonitorState::decode(register(kind.code().into(), 1, on_chip.into(), codes)) {
            MonitorState::Answers(reading) => reading,
            other => panic!("{other:?}"),
        }
    }

    /// UG480, table of limits: alarm codes that the vendor's wizard writes for 85 °C, 1.05 V and 1.89 V (0xB5ED, 0x5999,
    /// 0xA147); UG580: 0xB723 for 85 °C of a SYSMONE1 and 0xB794 of a SYSMONE4, with the references on the chip.
    #[test]
    fn codes_become_degrees_and_volts() {
        let near = |value: f64, wanted: f64, within: f64| {
            assert!((value - wanted).abs() <= within, "{value} instead of {wanted}");
        };
        let xadc = reading(MonitorKind::Xadc, true, [0xb5ed, 0x5999, 0xa147]);
        near(xadc.celsius, 85.0, 0.1);
        near(xadc.vccint, 1.05, 0.001);
        near(xadc.vccaux, 1.89, 0.001);
        for (kind, code) in [(MonitorKind::Sysmone1, 0xb723), (MonitorKind::Sysmone4, 0xb794)] {
            let reading = reading(kind, true, [code, 0x4e81, 0xa147]);
            near(reading.celsius, 85.0, 0.1);
            near(reading.vccint, 0.92, 0.001);
        }
        // The references differ by less than two degrees where parts work.
        for kind in [MonitorKind::Sysmone1, MonitorKind::Sysmone4] {
            let [on_chip, external] = [true, false].map(|on_chip| reading(kind, on_chip, [0xa000; 3]));
            near(on_chip.celsius, external.celsius, 2.0);
            assert!(on_chip.celsius != external.celsius && on_chip.on_chip && !external.on_chip);
        }
    }

    #[test]
    fn absent_silent_and_unknown_monitors_have_no_reading() {
        let codes = [0xb5ed, 0x5999, 0xa147];
        assert_eq!(MonitorState::decode(0), MonitorState::Absent);
        assert_eq!(MonitorState::decode(register(0, 1, 1, codes)), MonitorState::Absent);
        assert_eq!(MonitorState::decode(register(1, 0, 1, codes)), MonitorState::Silent(MonitorKind::Xadc));
        assert_eq!(MonitorState::decode(register(15, 1, 1, codes)), MonitorState::Unknown(15));
    }
}

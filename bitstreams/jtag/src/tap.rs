//! The state machine of a JTAG port (IEEE 1149.1).

/// A state; the names are the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Tap {
    #[default]
    TestLogicReset,
    RunTestIdle,
    SelectDr,
    CaptureDr,
    ShiftDr,
    Exit1Dr,
    PauseDr,
    Exit2Dr,
    UpdateDr,
    SelectIr,
    CaptureIr,
    ShiftIr,
    Exit1Ir,
    PauseIr,
    Exit2Ir,
    UpdateIr,
}

impl Tap {
    /// The state after a rising edge of TCK.
    pub fn next(self, tms: bool) -> Tap {
        use Tap::*;
        let (low, high) = match self {
            TestLogicReset => (RunTestIdle, TestLogicReset),
            RunTestIdle | UpdateDr | UpdateIr => (RunTestIdle, SelectDr),
            SelectDr => (CaptureDr, SelectIr),
            CaptureDr | ShiftDr => (ShiftDr, Exit1Dr),
            Exit1Dr => (PauseDr, UpdateDr),
            PauseDr => (PauseDr, Exit2Dr),
            Exit2Dr => (ShiftDr, UpdateDr),
            SelectIr => (CaptureIr, TestLogicReset),
            CaptureIr | ShiftIr => (ShiftIr, Exit1Ir),
            Exit1Ir => (PauseIr, UpdateIr),
            PauseIr => (PauseIr, Exit2Ir),
            Exit2Ir => (ShiftIr, UpdateIr),
        };
        if tms {
            high
        } else {
            low
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_ones_reset_from_everywhere() {
        use Tap::*;
        for state in [
            TestLogicReset,
            RunTestIdle,
            SelectDr,
            CaptureDr,
            ShiftDr,
            Exit1Dr,
            PauseDr,
            Exit2Dr,
            UpdateDr,
            SelectIr,
            CaptureIr,
            ShiftIr,
            Exit1Ir,
            PauseIr,
            Exit2Ir,
            UpdateIr,
        ] {
            assert_eq!((0..5).fold(state, |state, _| state.next(true)), TestLogicReset, "{state:?}");
        }
    }

    #[test]
    fn the_way_to_both_registers_and_back() {
        let walk = |from: Tap, tms: &str| tms.bytes().fold(from, |state, bit| state.next(bit == b'1'));
        assert_eq!(walk(Tap::TestLogicReset, "0100"), Tap::ShiftDr);
        assert_eq!(walk(Tap::ShiftDr, "10010110"), Tap::RunTestIdle);
        assert_eq!(walk(Tap::RunTestIdle, "1100"), Tap::ShiftIr);
        assert_eq!(walk(Tap::ShiftIr, "1011"), Tap::UpdateIr);
    }
}

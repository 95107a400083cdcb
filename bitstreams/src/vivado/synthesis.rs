//! What Yosys' `synth_xilinx` makes of a project's accelerator: an estimate that knows the logic, not the area model's sums.
//!
//! The hierarchy stays: each module is synthesised once and counted as often as it is placed. So a part with 22 units takes
//! little longer than one with two, and nothing is shared or removed across modules, which Vivado will do. The shell, whose
//! IP only Vivado knows, is not in it.

use std::collections::BTreeMap;

use hotloop_hdl::{accelerator, datapath::Area};

use super::{shell, Project};
use crate::board::{Board, Family};

/// The file that Yosys writes its counts into, beside where it runs.
pub const COUNTS: &str = "yosys-cells.txt";

impl Project {
    /// Yosys' arguments, to be run in the folder of the board's name that lies beside the script.
    pub fn yosys(&self, board: &Board) -> Vec<String> {
        let family = match board.family {
            Family::Ultrascale => "xcu",
            Family::UltrascalePlus => "xcup",
            Family::Series7 | Family::Ecp5 => "xc7",
        };
        let own = format!("{}/", board.name);
        let top = format!("rtl/{}.v", shell::TOP);
        let sources = self.files.iter().filter_map(|(name, _)| name.strip_prefix(&own));
        let sources: Vec<&str> = sources.filter(|name| name.ends_with(".v") && *name != top).collect();
        let script = format!(
            "read_verilog {}; synth_xilinx -family {family} -noiopad -noclkbuf -top {accelerator}; \
             tee -q -o {COUNTS} stat -top {accelerator}",
            sources.join(" "),
            accelerator = accelerator::TOP,
        );
        vec!["-p".into(), script]
    }
}

/// Look-up tables of a cell that is made of them, as UG474 (7 series) and UG574 (UltraScale) count them.
fn luts(cell: &str) -> Option<u64> {
    Some(match cell {
        "INV" | "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" => 1,
        "SRL16E" | "SRLC16E" | "SRLC32E" | "RAM32X1S" | "RAM64X1S" => 1,
        "RAM32X1D" | "RAM64X1D" | "RAM128X1S" => 2,
        "RAM32M" | "RAM64M" | "RAM128X1D" | "RAM256X1S" => 4,
        "RAM32M16" | "RAM64M8" | "RAM256X1D" | "RAM512X1S" => 8,
        _ => return None,
    })
}

/// Reads what Yosys counted of the whole design. Versions write `cell number` (0.23 to 0.5x) or `number cell` (0.6x and
/// later). A kind of cell that takes room and is not known here is an error.
pub fn counted(text: &str) -> Result<Area, String> {
    let (_, whole) = text.rsplit_once("=== design hierarchy ===").ok_or("Yosys counted no hierarchy")?;
    let cells: BTreeMap<&str, u64> = whole.lines().filter_map(cell).collect();
    let mut area = Area::default();
    for (cell, number) in cells {
        match cell {
            "DSP48E1" | "DSP48E2" => area.multipliers += number,
            "FDRE" | "FDSE" | "FDCE" | "FDPE" => area.registers += number,
            "RAMB18E1" | "RAMB18E2" => area.memories += number,
            "RAMB36E1" | "RAMB36E2" => area.memories += 2 * number,
            // In every slice beside the look-up tables.
            "CARRY4" | "CARRY8" | "MUXF7" | "MUXF8" | "MUXF9" | "GND" | "VCC" => {}
            _ => {
                area.luts += number * luts(cell).ok_or_else(|| format!("Yosys made {number} {cell}: not known here"))?
            }
        }
    }
    match area.luts {
        0 => Err("Yosys counted no look-up table".into()),
        _ => Ok(area),
    }
}

/// A cell and its number; `None` for any other line: cells of the vendor have names of capitals and digits.
fn cell(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split_whitespace();
    let (a, b) = (words.next()?, words.next()?);
    let (name, number) = a.parse().map(|number| (b, number)).or_else(|_| b.parse().map(|number| (a, number))).ok()?;
    let capitals = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (words.next().is_none() && capitals).then_some((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of an S-box: Yosys 0.23 (0.52 writes the same) and 0.70.
    const OLD: &str = "=== mul_leaf ===\n\n   Number of cells:                664\n     DSP48E1                        12\n\n\
        === design hierarchy ===\n\n   goldilocks_x7                     1\n     goldilocks_mul                  4\n\n   \
        Number of wires:                675\n   Number of cells:               6159\n     CARRY4                        573\n     \
        DSP48E1                        48\n     FDRE                         3188\n     INV                           509\n     \
        LUT2                         1156\n     RAM32M                          8\n     RAMB36E1                        3\n     \
        SRL16E                        352\n";
    const NEW: &str = "=== design hierarchy ===\n\n        +----------Count including submodules.\n        | \n     6135 \
        goldilocks_x7\n      850 goldilocks_mul\n\n     6135 cells\n      541   CARRY4\n       48   DSP48E1\n     3188   \
        FDRE\n      509   INV\n     1156   LUT2\n        8   RAM32M\n        3   RAMB36E1\n      352   SRL16E\n        4 \
        submodules\n        4   goldilocks_mul\n";

    #[test]
    fn cells_of_the_hierarchy_are_counted() {
        let wanted = Area { multipliers: 48, memories: 6, luts: 509 + 1156 + 4 * 8 + 352, registers: 3188 };
        assert_eq!(counted(OLD), Ok(wanted));
        assert_eq!(counted(NEW), Ok(wanted));
    }

    #[test]
    fn what_is_not_known_is_not_left_out() {
        assert!(counted(&OLD.replace("RAM32M  ", "RAM1024X1")).unwrap_err().contains("RAM1024X1"));
        assert!(counted("").is_err());
        assert!(counted("=== design hierarchy ===\n").is_err());
    }
}

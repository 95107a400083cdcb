//! The ports of a Verilated model, read from its generated header.

/// One port of the top module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// Name in Verilog.
    pub name: String,
    /// Name of the C++ member.
    pub member: String,
    /// Width in bits.
    pub width: u32,
    /// The model drives it.
    pub output: bool,
}

impl Port {
    /// Verilator keeps more than 64 bits as an array of 32-bit words.
    pub fn wide(&self) -> bool {
        self.width > 64
    }
}

/// Finds `VL_IN8(&clk,0,0);`, `VL_OUTW(&data,511,0,16);` and their like, the same in every Verilator 5.
pub(crate) fn parse(header: &str) -> Vec<Port> {
    header.lines().filter_map(port).collect()
}

fn port(line: &str) -> Option<Port> {
    let line = line.trim();
    let output = line.starts_with("VL_OUT");
    if !output && !line.starts_with("VL_IN") {
        return None;
    }
    let (_, arguments) = line.split_once('(')?;
    let (arguments, _) = arguments.split_once(')')?;
    let mut arguments = arguments.split(',').map(str::trim);
    let member = arguments.next()?.trim_start_matches('&').to_owned();
    let msb: u32 = arguments.next()?.parse().ok()?;
    let lsb: u32 = arguments.next()?.parse().ok()?;
    // Two underscores in a row would mean a level of hierarchy, so Verilator writes the second one as a code.
    let name = member.replace("___05F", "__");
    Some(Port { name, member, width: msb.checked_sub(lsb)? + 1, output })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_every_width_are_found() {
        let header = "
            // PORTS
            VL_IN8(&clk,0,0);
            VL_OUT16(&a___05Fb,15,0);
            VL_IN(&c,31,0);
            VL_IN64(&d,63,0);
            VL_OUTW(&e,511,0,16);
            // CELLS
            V1a___024root* const rootp;
        ";
        let found: Vec<_> = parse(header).into_iter().map(|p| (p.name.clone(), p.width, p.output, p.wide())).collect();
        let wanted = [
            ("clk", 1, false, false),
            ("a__b", 16, true, false),
            ("c", 32, false, false),
            ("d", 64, false, false),
            ("e", 512, true, true),
        ];
        assert_eq!(found, wanted.map(|(n, w, o, l)| (n.to_owned(), w, o, l)));
    }
}

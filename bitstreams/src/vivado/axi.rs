//! AXI interfaces, and the converters between them as Xilinx' IP has them (PG059, version 2.1 of each).

use super::netlist::Block;
use super::Ip;

/// Version of all converters.
const VERSION: &str = "2.1";

/// An AXI4 interface.
#[derive(Clone, Copy, Debug)]
pub struct Axi {
    /// Bits of addresses.
    pub address: u32,
    /// Bits of data.
    pub data: u32,
    /// Bits of IDs; 0: none.
    pub id: u32,
}

/// Whose side of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It drives addresses.
    Master,
    /// It answers.
    Slave,
}

/// Adds an AXI4 interface to a block. `optional` names the signals behind `aw` and `ar` that not every IP has.
pub fn axi4(block: Block, prefix: &str, side: Side, axi: Axi, optional: &[(&str, u32)]) -> Block {
    let mut request: Vec<(String, u32)> = Vec::new();
    let mut answer: Vec<(String, u32)> = Vec::new();
    for channel in ["aw", "ar"] {
        let fixed = [("addr", axi.address), ("len", 8), ("size", 3), ("burst", 2), ("valid", 1)];
        request.extend(fixed.iter().chain(optional).map(|(name, width)| (format!("{channel}{name}"), *width)));
        if axi.id > 0 {
            request.push((format!("{channel}id"), axi.id));
        }
        answer.push((format!("{channel}ready"), 1));
    }
    let fixed =
        [("wdata", axi.data), ("wstrb", axi.data / 8), ("wlast", 1), ("wvalid", 1), ("bready", 1), ("rready", 1)];
    request.extend(fixed.map(|(name, width)| (name.to_owned(), width)));
    let fixed =
        [("wready", 1), ("bresp", 2), ("bvalid", 1), ("rdata", axi.data), ("rresp", 2), ("rlast", 1), ("rvalid", 1)];
    answer.extend(fixed.map(|(name, width)| (name.to_owned(), width)));
    if axi.id > 0 {
        answer.extend([("bid".to_owned(), axi.id), ("rid".to_owned(), axi.id)]);
    }
    interface(block, prefix, side, &request, &answer)
}

/// Adds an AXI4-Lite interface of 32 bits to a block.
pub fn axi_lite(block: Block, prefix: &str, side: Side, address: u32, with_prot: bool) -> Block {
    let mut request =
        vec![("awaddr", address), ("awvalid", 1), ("wdata", 32), ("wstrb", 4), ("wvalid", 1), ("bready", 1)];
    request.extend([("araddr", address), ("arvalid", 1), ("rready", 1)]);
    if with_prot {
        request.extend([("awprot", 3), ("arprot", 3)]);
    }
    let answer = [("awready", 1), ("wready", 1), ("bresp", 2), ("bvalid", 1), ("arready", 1), ("rdata", 32)];
    let answer: Vec<_> = answer.iter().copied().chain([("rresp", 2), ("rvalid", 1)]).collect();
    let own = |list: &[(&str, u32)]| list.iter().map(|(n, w)| (n.to_string(), *w)).collect::<Vec<_>>();
    interface(block, prefix, side, &own(&request), &own(&answer))
}

fn interface(block: Block, prefix: &str, side: Side, request: &[(String, u32)], answer: &[(String, u32)]) -> Block {
    let named = |list: &[(String, u32)]| list.iter().map(|(n, w)| (format!("{prefix}{n}"), *w)).collect::<Vec<_>>();
    let (request, answer) = (named(request), named(answer));
    let request: Vec<(&str, u32)> = request.iter().map(|(n, w)| (n.as_str(), *w)).collect();
    let answer: Vec<(&str, u32)> = answer.iter().map(|(n, w)| (n.as_str(), *w)).collect();
    match side {
        Side::Master => block.outputs(&request).inputs(&answer),
        Side::Slave => block.inputs(&request).outputs(&answer),
    }
}

/// What the converters have beside the signals that every AXI4 interface has.
const CONVERTER: &[(&str, u32)] = &[("lock", 1), ("cache", 4), ("prot", 3), ("region", 4), ("qos", 4)];

/// Between two data widths, in one clock. IDs end here.
pub fn width_converter(module: &str, from: Axi, to: u32) -> Ip {
    let block = Block::new(module).inputs(&[("s_axi_aclk", 1), ("s_axi_aresetn", 1)]);
    let block = axi4(block, "s_axi_", Side::Slave, from, CONVERTER);
    let block = axi4(block, "m_axi_", Side::Master, Axi { data: to, id: 0, ..from }, CONVERTER);
    let settings = [
        ("ADDR_WIDTH", from.address.to_string()),
        ("SI_DATA_WIDTH", from.data.to_string()),
        ("MI_DATA_WIDTH", to.to_string()),
        ("SI_ID_WIDTH", from.id.to_string()),
    ];
    Ip::new("axi_dwidth_converter", VERSION, block, &settings)
}

/// Between two clocks.
pub fn clock_converter(module: &str, axi: Axi) -> Ip {
    let clocks = ["s_axi_aclk", "s_axi_aresetn", "m_axi_aclk", "m_axi_aresetn"].map(|name| (name, 1));
    let block = Block::new(module).inputs(&clocks);
    let block = axi4(block, "s_axi_", Side::Slave, axi, CONVERTER);
    let block = axi4(block, "m_axi_", Side::Master, axi, CONVERTER);
    let settings = [
        ("PROTOCOL", "AXI4".into()),
        ("ADDR_WIDTH", axi.address.to_string()),
        ("DATA_WIDTH", axi.data.to_string()),
        ("ID_WIDTH", axi.id.to_string()),
        // The clocks' ratio is not a whole number.
        ("ACLK_ASYNC", "1".into()),
    ];
    Ip::new("axi_clock_converter", VERSION, block, &settings)
}

/// From AXI4 to AXI4-Lite, both of 32 bits; bursts are split.
pub fn lite_converter(module: &str, address: u32) -> Ip {
    let block = Block::new(module).inputs(&[("aclk", 1), ("aresetn", 1)]);
    let block = axi4(block, "s_axi_", Side::Slave, Axi { address, data: 32, id: 0 }, CONVERTER);
    let block = axi_lite(block, "m_axi_", Side::Master, address, true);
    let settings = [
        ("SI_PROTOCOL", "AXI4".into()),
        ("MI_PROTOCOL", "AXI4LITE".into()),
        ("ADDR_WIDTH", address.to_string()),
        ("DATA_WIDTH", "32".into()),
        ("ID_WIDTH", "0".into()),
        ("TRANSLATION_MODE", "2".into()),
    ];
    Ip::new("axi_protocol_converter", VERSION, block, &settings)
}

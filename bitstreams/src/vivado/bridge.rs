//! The PCI Express block with its AXI bridge, as each family's IP has it. BAR0 leaves it as an AXI4 master, and what the
//! accelerator reads and writes enters it as an AXI4 slave, at the addresses of the host.

use hotloop_regs::{BAR0_BYTES, MSIX_VECTORS, PCI_CLASS};

use super::{
    axi::{axi4, axi_lite, Axi, Side},
    netlist::Block,
    Ip, ProjectError,
};
use crate::board::{Board, Family, Pcie};

/// What the bridge looks like to the shell.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// The IP.
    pub ip: Ip,
    /// Prefix of the slave that the accelerator reads and writes through.
    pub slave: &'static str,
    /// Prefix of the master that BAR0 leaves by.
    pub master: &'static str,
    /// The master's interface.
    pub bar: Axi,
    /// The slave's interface.
    pub host: Axi,
    /// Frequency of its AXI clock in MHz.
    pub mhz: u32,
    /// How interrupts are asked for.
    pub interrupts: Interrupts,
}

/// How interrupts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupts {
    /// One request with the vector's number, and a grant.
    OneByOne,
    /// A request and an acknowledgement for each vector.
    Each,
}

/// The bridge of a board.
pub fn bridge(board: &Board, pcie: &Pcie) -> Result<Bridge, ProjectError> {
    let unknown = || ProjectError::Link { board: board.name.clone(), generation: pcie.generation, lanes: pcie.lanes };
    // Width of the data path and clock of the block: PG054 (7 series), PG156 (UltraScale), PG213 (UltraScale+).
    let (data, mhz) = match (board.family, pcie.generation, pcie.lanes) {
        (Family::Series7, 2, 4) => (128, 125),
        (Family::Series7, 2, 8) => (128, 250),
        (Family::Ultrascale | Family::UltrascalePlus, 3, 8) => (256, 250),
        (Family::UltrascalePlus, 3, 16) => (512, 250),
        _ => return Err(unknown()),
    };
    Ok(match board.family {
        Family::Series7 => axi_pcie(pcie, data, mhz),
        Family::Ultrascale => axi_pcie3(pcie, data, mhz),
        Family::UltrascalePlus => xdma(pcie, data, mhz),
        Family::Ecp5 => return Err(unknown()),
    })
}

fn lanes(block: Block, pcie: &Pcie) -> Block {
    let lanes = pcie.lanes;
    let block = block.inputs(&[("pci_exp_rxp", lanes), ("pci_exp_rxn", lanes)]);
    block.outputs(&[("pci_exp_txp", lanes), ("pci_exp_txn", lanes)])
}

const MSI: [(&str, u32); 2] = [("intx_msi_request", 1), ("msi_vector_num", 5)];

/// 7 series: AXI Memory Mapped to PCI Express 2.9 (PG055). Its slave has addresses of 32 bits.
fn axi_pcie(pcie: &Pcie, data: u32, mhz: u32) -> Bridge {
    let (host, bar) = (Axi { address: 32, data, id: 4 }, Axi { address: 32, data, id: 0 });
    let block = Block::new("bridge").inputs(&[("axi_aresetn", 1), ("REFCLK", 1)]);
    let block = block.inputs(&[("INTX_MSI_Request", 1), ("MSI_Vector_Num", 5)]);
    let block = block.outputs(&[("user_link_up", 1), ("axi_aclk_out", 1), ("axi_ctl_aclk_out", 1), ("mmcm_lock", 1)]);
    let block = block.outputs(&[("INTX_MSI_Grant", 1), ("MSI_enable", 1), ("MSI_Vector_Width", 3)]);
    let block = block.outputs(&[("interrupt_out", 1)]);
    let block = axi4(lanes(block, pcie), "s_axi_", Side::Slave, host, &[("region", 4)]);
    let block = axi4(block, "m_axi_", Side::Master, bar, &[("prot", 3), ("lock", 1), ("cache", 4)]);
    let block = axi_lite(block, "s_axi_ctl_", Side::Slave, 32, false);
    let mut settings = vec![
        ("INCLUDE_RC", "PCI_Express_Endpoint_device".to_owned()),
        ("XLNX_REF_BOARD", "None".into()),
        ("REF_CLK_FREQ", "100_MHz".into()),
        ("NO_OF_LANES", format!("X{}", pcie.lanes)),
        ("MAX_LINK_SPEED", speed(pcie)),
        ("VENDOR_ID", format!("0x{:04x}", pcie.vendor_id)),
        ("DEVICE_ID", format!("0x{:04x}", pcie.device_id)),
        ("CLASS_CODE", format!("0x{PCI_CLASS:06x}")),
        ("BAR_64BIT", "false".into()),
        ("BAR0_SCALE", "Kilobytes".into()),
        ("BAR0_SIZE", (BAR0_BYTES >> 10).to_string()),
        ("PCIEBAR2AXIBAR_0", "0x00000000".into()),
        ("AXIBAR_NUM", "1".into()),
        ("AXIBAR_0", "0x00000000".into()),
        ("AXIBAR_HIGHADDR_0", "0xFFFFFFFF".into()),
        ("AXIBAR2PCIEBAR_0", "0x00000000".into()),
        ("S_AXI_DATA_WIDTH", data.to_string()),
        ("M_AXI_DATA_WIDTH", data.to_string()),
        ("S_AXI_SUPPORTS_NARROW_BURST", "false".into()),
        // Base-2 logarithm.
        ("NUM_MSI_REQ", MSIX_VECTORS.trailing_zeros().to_string()),
    ];
    settings.extend(pcie.block.iter().map(|block| ("PCIE_BLK_LOCN", block.clone())));
    let ip = Ip::new("axi_pcie", "2.9", block, &settings);
    Bridge { ip, slave: "s_axi_", master: "m_axi_", bar, host, mhz, interrupts: Interrupts::OneByOne }
}

/// UltraScale: AXI Bridge for PCI Express Gen3 3.0 (PG194).
fn axi_pcie3(pcie: &Pcie, data: u32, mhz: u32) -> Bridge {
    let (host, bar) = (Axi { address: 64, data, id: 4 }, Axi { address: 64, data, id: 3 });
    let block = Block::new("bridge").inputs(&[("sys_rst_n", 1), ("refclk", 1), ("sys_clk_gt", 1), ("axi_ctl_aclk", 1)]);
    let block = block.inputs(&MSI).outputs(&[("user_link_up", 1), ("axi_aclk", 1), ("axi_aresetn", 1)]);
    let block = block.outputs(&[("intx_msi_grant", 1), ("msi_enable", 1), ("msi_vector_width", 3)]);
    let block = axi4(lanes(block, pcie), "s_axi_", Side::Slave, host, &[("region", 4)]);
    let block = axi4(block, "m_axi_", Side::Master, bar, &[("prot", 3), ("lock", 1), ("cache", 4)]);
    let block = axi_lite(block, "s_axi_ctl_", Side::Slave, 12, false);
    let ip = Ip::new("axi_pcie3", "3.0", block, &gen3(pcie, data, mhz));
    Bridge { ip, slave: "s_axi_", master: "m_axi_", bar, host, mhz, interrupts: Interrupts::OneByOne }
}

/// UltraScale+: DMA/Bridge Subsystem for PCI Express 4.1 as a bridge (PG194, PG195).
fn xdma(pcie: &Pcie, data: u32, mhz: u32) -> Bridge {
    let axi = Axi { address: 64, data, id: 4 };
    let vectors = u32::from(MSIX_VECTORS);
    let block = Block::new("bridge").inputs(&[("sys_clk", 1), ("sys_clk_gt", 1), ("sys_rst_n", 1)]);
    let block = block.inputs(&[("usr_irq_req", vectors)]).outputs(&[("usr_irq_ack", vectors), ("msi_enable", 1)]);
    let block = block.outputs(&[("msi_vector_width", 3), ("user_lnk_up", 1), ("axi_aclk", 1), ("axi_aresetn", 1)]);
    let block = axi4(lanes(block, pcie), "s_axib_", Side::Slave, axi, &[("region", 4)]);
    let block = axi4(block, "m_axib_", Side::Master, axi, &[("prot", 3), ("lock", 1), ("cache", 4)]);
    let mut settings = gen3(pcie, data, mhz);
    settings.insert(0, ("functional_mode", "AXI_Bridge".into()));
    settings.push(("xdma_num_usr_irq", vectors.to_string()));
    let ip = Ip::new("xdma", "4.1", block, &settings);
    Bridge { ip, slave: "s_axib_", master: "m_axib_", bar: axi, host: axi, mhz, interrupts: Interrupts::Each }
}

fn speed(pcie: &Pcie) -> String {
    match pcie.generation {
        1 => "2.5_GT/s".into(),
        2 => "5.0_GT/s".into(),
        3 => "8.0_GT/s".into(),
        _ => "16.0_GT/s".into(),
    }
}

/// What the IP for UltraScale and the one for UltraScale+ name alike. Host addresses are the accelerator's: a window over
/// all of them, without translation.
fn gen3(pcie: &Pcie, data: u32, mhz: u32) -> Vec<(&'static str, String)> {
    let [_, base, sub, interface] = PCI_CLASS.to_be_bytes();
    let mut settings = vec![
        ("mode_selection", "Advanced".to_owned()),
        ("device_port_type", "PCI_Express_Endpoint_device".into()),
        ("ref_clk_freq", "100_MHz".into()),
        ("pl_link_cap_max_link_width", format!("X{}", pcie.lanes)),
        ("pl_link_cap_max_link_speed", speed(pcie)),
        ("axi_addr_width", "64".into()),
        ("axi_data_width", format!("{data}_bit")),
        ("axisten_freq", mhz.to_string()),
        ("vendor_id", format!("{:04x}", pcie.vendor_id)),
        ("pf0_device_id", format!("{:04x}", pcie.device_id)),
        ("pf0_class_code_base", format!("{base:02x}")),
        ("pf0_class_code_sub", format!("{sub:02x}")),
        ("pf0_class_code_interface", format!("{interface:02x}")),
        ("pf0_bar0_64bit", "true".into()),
        ("pf0_bar0_scale", "Kilobytes".into()),
        ("pf0_bar0_size", (BAR0_BYTES >> 10).to_string()),
        ("pciebar2axibar_0", "0x0000000000000000".into()),
        ("axibar_num", "1".into()),
        ("axibar_0", "0x0000000000000000".into()),
        ("axibar_highaddr_0", "0xFFFFFFFFFFFFFFFF".into()),
        ("axibar2pciebar_0", "0x0000000000000000".into()),
        ("pf0_msi_enabled", "true".into()),
        ("pf0_msi_cap_multimsgcap", format!("{MSIX_VECTORS}_vectors")),
        ("pf0_msix_enabled", "false".into()),
    ];
    settings.extend(pcie.block.iter().map(|block| ("pcie_blk_locn", block.clone())));
    settings
}

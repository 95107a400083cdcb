//! AXI4-Lite master: one register access at a time.

use crate::{ffi::Port, Model, SimError};

struct Ports {
    awaddr: Port,
    awvalid: Port,
    awready: Port,
    wdata: Port,
    wstrb: Port,
    wvalid: Port,
    wready: Port,
    bvalid: Port,
    bready: Port,
    araddr: Port,
    arvalid: Port,
    arready: Port,
    rdata: Port,
    rresp: Port,
    rvalid: Port,
    rready: Port,
}

enum Access {
    None,
    /// The flags say what is still on offer.
    Write {
        address: bool,
        data: bool,
    },
    Read {
        address: bool,
    },
    Done(u32),
}

/// The AXI4-Lite master.
pub(crate) struct Lite {
    ports: Ports,
    access: Access,
}

impl Lite {
    /// Finds the slave's ports.
    pub fn new(model: &Model) -> Result<Lite, SimError> {
        let input = |name, width| model.input(name, width);
        let output = |name, width| model.output(name, width);
        // A write's response does not reach the host (PCI writes are posted), but the port must be there.
        output("s_bresp", 2)?;
        let ports = Ports {
            awaddr: input("s_awaddr", 16)?,
            awvalid: input("s_awvalid", 1)?,
            awready: output("s_awready", 1)?,
            wdata: input("s_wdata", 32)?,
            wstrb: input("s_wstrb", 4)?,
            wvalid: input("s_wvalid", 1)?,
            wready: output("s_wready", 1)?,
            bvalid: output("s_bvalid", 1)?,
            bready: input("s_bready", 1)?,
            araddr: input("s_araddr", 16)?,
            arvalid: input("s_arvalid", 1)?,
            arready: output("s_arready", 1)?,
            rdata: output("s_rdata", 32)?,
            rresp: output("s_rresp", 2)?,
            rvalid: output("s_rvalid", 1)?,
            rready: input("s_rready", 1)?,
        };
        Ok(Lite { ports, access: Access::None })
    }

    /// Takes everything off the bus, for a reset.
    pub fn clear(&mut self, model: &mut Model) {
        self.access = Access::None;
        self.drive(model);
    }

    /// Offers a write of the bytes in `strobes`.
    pub fn write(&mut self, model: &mut Model, address: u16, data: u32, strobes: u8) {
        model.set(self.ports.awaddr, address.into());
        model.set(self.ports.wdata, data.into());
        model.set(self.ports.wstrb, strobes.into());
        self.access = Access::Write { address: true, data: true };
        self.drive(model);
    }

    /// Offers a read.
    pub fn read(&mut self, model: &mut Model, address: u16) {
        model.set(self.ports.araddr, address.into());
        self.access = Access::Read { address: true };
        self.drive(model);
    }

    /// The data of a read that is done, all ones if it failed (as on PCI); zero for a write.
    pub fn done(&mut self) -> Option<u32> {
        let Access::Done(data) = self.access else { return None };
        self.access = Access::None;
        Some(data)
    }

    fn drive(&mut self, model: &mut Model) {
        let (aw, w, ar, b, r) = match self.access {
            Access::None | Access::Done(_) => (false, false, false, false, false),
            Access::Write { address, data } => (address, data, false, true, false),
            Access::Read { address } => (false, false, address, false, true),
        };
        model.set(self.ports.awvalid, aw.into());
        model.set(self.ports.wvalid, w.into());
        model.set(self.ports.arvalid, ar.into());
        model.set(self.ports.bready, b.into());
        model.set(self.ports.rready, r.into());
    }

    /// At the end of the clock's low half: what the coming edge will move. What is shown changes after the edge, with
    /// [`Lite::update`].
    #[inline]
    pub fn sample(&mut self, model: &Model) -> bool {
        match &mut self.access {
            Access::None | Access::Done(_) => return false,
            Access::Write { address, data } => {
                *address &= model.get(self.ports.awready) == 0;
                *data &= model.get(self.ports.wready) == 0;
                if model.get(self.ports.bvalid) != 0 {
                    self.access = Access::Done(0);
                }
            }
            Access::Read { address } => {
                *address &= model.get(self.ports.arready) == 0;
                if model.get(self.ports.rvalid) != 0 {
                    let failed = model.get(self.ports.rresp) != 0;
                    self.access = Access::Done(if failed { u32::MAX } else { model.get(self.ports.rdata) as u32 });
                }
            }
        }
        true
    }

    /// After an edge that [`Lite::sample`] was told of.
    pub fn update(&mut self, model: &mut Model) {
        self.drive(model);
    }
}

//! AXI4-Lite slave: a register bus of one access at a time.

use std::rc::Rc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{
    control,
    datapath::{Module, Sig},
};

/// `Idle` waits for address and data of a write (which goes first), or for the address of a read. `FindWrite` and `FindRead`
/// wait until the register file has found the register. `Write` and `Read` take one cycle, in which the address is
/// accepted and the register file acts. The responses hold their valid until they are taken.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum LiteState {
    Idle,
    FindWrite,
    Write,
    WriteResponse,
    FindRead,
    Read,
    ReadResponse,
}

#[derive(LogicBlock, Default)]
struct LiteSlave {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    awvalid: Signal<In, Bit>,
    wvalid: Signal<In, Bit>,
    bready: Signal<In, Bit>,
    arvalid: Signal<In, Bit>,
    rready: Signal<In, Bit>,
    found: Signal<In, Bit>,
    finding: Signal<Out, Bit>,
    writing: Signal<Out, Bit>,
    write: Signal<Out, Bit>,
    bvalid: Signal<Out, Bit>,
    read: Signal<Out, Bit>,
    rvalid: Signal<Out, Bit>,
    busy: Signal<Out, Bit>,
    state: DFF<LiteState>,
}

impl Logic for LiteSlave {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state);
        self.finding.next = false;
        self.writing.next = false;
        self.write.next = false;
        self.bvalid.next = false;
        self.read.next = false;
        self.rvalid.next = false;
        self.busy.next = true;
        match self.state.q.val() {
            LiteState::Idle => {
                self.busy.next = self.awvalid.val() | self.wvalid.val() | self.arvalid.val();
                if self.awvalid.val() & self.wvalid.val() {
                    self.state.d.next = LiteState::FindWrite;
                } else if self.arvalid.val() {
                    self.state.d.next = LiteState::FindRead;
                }
            }
            LiteState::FindWrite => {
                self.finding.next = true;
                self.writing.next = true;
                if self.found.val() {
                    self.state.d.next = LiteState::Write;
                }
            }
            LiteState::Write => {
                self.writing.next = true;
                self.write.next = true;
                self.state.d.next = LiteState::WriteResponse;
            }
            LiteState::WriteResponse => {
                self.bvalid.next = true;
                if self.bready.val() {
                    self.state.d.next = LiteState::Idle;
                }
            }
            LiteState::FindRead => {
                self.finding.next = true;
                if self.found.val() {
                    self.state.d.next = LiteState::Read;
                }
            }
            LiteState::Read => {
                self.read.next = true;
                self.state.d.next = LiteState::ReadResponse;
            }
            LiteState::ReadResponse => {
                self.rvalid.next = true;
                if self.rready.val() {
                    self.state.d.next = LiteState::Idle;
                }
            }
            _ => {
                self.state.d.next = LiteState::Idle;
            }
        }
        if self.rst.val() {
            self.state.d.next = LiteState::Idle;
        }
    }
}

/// Cycles for which the register file sees an access's address before it acts.
pub const FINDS: u64 = 4;

/// Module `axi_lite_slave`: AXI4-Lite on `s_*`; towards the register file `address`, and after [`FINDS`] cycles of that
/// `write` (with `data`, `strobe`), answered in the same cycle by `read_data` and `known` (the address is a register's). An access to
/// anything else ends in SLVERR, a read with zero data.
pub fn slave() -> Rc<Module> {
    let mut m = Module::new("axi_lite_slave");
    let awaddr = m.input("s_awaddr", 16);
    let awvalid = m.input("s_awvalid", 1);
    let wdata = m.input("s_wdata", 32);
    let wstrb = m.input("s_wstrb", 4);
    let wvalid = m.input("s_wvalid", 1);
    let bready = m.input("s_bready", 1);
    let araddr = m.input("s_araddr", 16);
    let arvalid = m.input("s_arvalid", 1);
    let rready = m.input("s_rready", 1);
    let read_data = m.input("read_data", 32);
    let known = m.input("known", 1);

    let handshake = control::module("lite_slave", LiteSlave::default());
    let found = m.wire(1);
    let handshake = m.instance(
        "handshake",
        &handshake,
        &[
            ("awvalid", awvalid),
            ("wvalid", wvalid),
            ("bready", bready),
            ("arvalid", arvalid),
            ("rready", rready),
            ("found", *found),
        ],
    );
    let [finding, writing, write, bvalid, read, rvalid, busy] =
        ["finding", "writing", "write", "bvalid", "read", "rvalid", "busy"].map(|port| m.output_of(&handshake, port));
    let address = m.mux(writing, awaddr, araddr);
    let acts = m.not(finding);
    let count = m.counter("finds", FINDS.ilog2(), finding, acts);
    let last = m.eq_const(count, u128::from(FINDS) - 1);
    m.connect(found, last);

    let hold = |m: &mut Module, name: &str, enable: Sig, value: Sig| {
        let state = m.state(name, value.width(), 0);
        m.drive_when(state, enable, value);
        *state
    };
    let rdata = hold(&mut m, "rdata", read, read_data);
    let access = m.or(write, read);
    let unknown = m.not(known);
    let unknown = hold(&mut m, "unknown", access, unknown);
    let okay = m.constant(0, 1);
    // OKAY is 0, SLVERR is 2.
    let response = m.cat(&[unknown, okay]);

    m.output("s_awready", write);
    m.output("s_wready", write);
    m.output("s_bresp", response);
    m.output("s_bvalid", bvalid);
    m.output("s_arready", read);
    m.output("s_rdata", rdata);
    m.output("s_rresp", response);
    m.output("s_rvalid", rvalid);
    m.output("address", address);
    m.output("write", write);
    m.output("data", wdata);
    m.output("strobe", wstrb);
    m.output("busy", busy);
    Rc::new(m)
}

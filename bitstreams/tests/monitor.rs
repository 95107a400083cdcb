//! Temperature and voltages from a model of the monitor's port to register MONITOR, in Verilator: the project's own reader
//! beside an accelerator, whose register is read over its bus as a host does.

mod common;

use std::{fs, process::Output};

use common::{fresh, small};
use hotloop_boards::find;
use hotloop_regs::{map, Monitor, MonitorKind};

/// The port as UG480 and UG580 have it: an address with DEN, some cycles later DRDY with DO. One access at a time, but a
/// monitor that is silent may be asked again. `KIND` is what the register must say, `WRONG` makes the model answer for another address.
const BENCH: &str = r#"
`timescale 1ns/1ps
module bench;
    parameter ADDRESS_BITS = 7, KIND = 1, WRONG = 0;
    localparam PAUSE = 1 << 16;
    reg clk = 0, rst = 1;
    always #2.5 clk = ~clk;

    wire den;
    wire [ADDRESS_BITS-1:0] daddr;
    reg drdy = 0;
    reg [15:0] data = 0;
    wire [63:0] monitor;
    monitor_reader reader (.clk(clk), .rst(rst), .drdy(drdy), .data(data), .den(den), .daddr(daddr), .monitor(monitor));

    reg [15:0] temperature = 16'h9a5c, vccint = 16'h5543, vccaux = 16'h9999, flags = 16'h0200;
    reg silent = 0, stray = 0, pending = 0;
    reg [ADDRESS_BITS-1:0] asked = 0;
    integer left = 0, reads = 0, since = PAUSE;
    wire [7:0] address = WRONG ? asked ^ 1 : asked;
    always @(posedge clk) begin
        drdy <= 0;
        data <= $urandom;
        since <= since + 1;
        if (den && !rst) begin
            if (pending && !silent) $fatal(1, "a read while one is under way");
            if (since < PAUSE / 2) $fatal(1, "reads follow each other after %0d cycles", since);
            since <= 0;
            asked <= daddr;
            pending <= 1;
            left <= 2 + $urandom % 20;
            reads <= reads + 1;
        end else if (pending && !silent) begin
            if (daddr != asked) $fatal(1, "the address moves during a read");
            left <= left - 1;
            if (left == 0) begin
                pending <= 0;
                drdy <= 1;
                case (address)
                    8'h00: data <= temperature;
                    8'h01: data <= vccint;
                    8'h02: data <= vccaux;
                    8'h3f: data <= flags;
                    default: if (!WRONG) $fatal(1, "address %h is read", address);
                endcase
            end
        end else if (stray && !pending && $urandom % 64 == 0) drdy <= 1;
        if (rst) pending <= 0;
    end

    reg [15:0] araddr = 0;
    reg arvalid = 0;
    wire arready, rvalid;
    wire [31:0] rdata;
    wire [1:0] rresp;
    accelerator accelerator (.clk(clk), .rst(rst), .monitor(monitor), .s_araddr(araddr), .s_arvalid(arvalid),
        .s_arready(arready), .s_rdata(rdata), .s_rresp(rresp), .s_rvalid(rvalid), .s_rready(1'b1));
    task read(input [15:0] at, output [31:0] value);
        begin
            @(negedge clk) araddr = at; arvalid = 1;
            while (!arready) @(negedge clk);
            @(negedge clk) arvalid = 0;
            while (!rvalid) @(negedge clk);
            if (rresp != 0) $fatal(1, "the register is not there");
            value = rdata;
        end
    endtask
    reg [63:0] word;
    task register;
        begin
            read(`MONITOR, word[31:0]);
            read(`MONITOR + 4, word[63:32]);
            if (word[`KIND +: 4] != KIND) $fatal(1, "kind %0d", word[`KIND +: 4]);
        end
    endtask
    task expect_codes(input integer when);
        begin
            register;
            if (!word[`PRESENT]) $fatal(1, "%0d: the monitor is not there", when);
            if (word[`TEMPERATURE +: 16] != temperature) $fatal(1, "%0d: temperature %h", when, word[`TEMPERATURE +: 16]);
            if (word[`VCCINT +: 16] != vccint) $fatal(1, "%0d: VCCINT %h", when, word[`VCCINT +: 16]);
            if (word[`VCCAUX +: 16] != vccaux) $fatal(1, "%0d: VCCAUX %h", when, word[`VCCAUX +: 16]);
            if (word[`ON_CHIP] != flags[9]) $fatal(1, "%0d: reference", when);
        end
    endtask
    task expect_none(input integer when);
        begin
            register;
            if (word[`PRESENT]) $fatal(1, "%0d: a monitor that does not answer is there", when);
        end
    endtask
    task pauses(input integer count);
        repeat (count * PAUSE) @(posedge clk);
    endtask

    integer round;
    initial begin
        silent = 1;
        repeat (20) @(posedge clk);
        @(negedge clk) rst = 0;
        pauses(3) ;
        expect_none(0);
        silent = 0;
        pauses(6);
        expect_codes(1);
        for (round = 2; round < 6; round = round + 1) begin
            {temperature, vccint} = $urandom;
            {vccaux, flags} = $urandom;
            stray = round > 3;
            pauses(6);
            expect_codes(round);
        end
        stray = 0;
        silent = 1;
        pauses(3);
        expect_none(6);
        silent = 0;
        pauses(1);
        expect_none(7);
        pauses(6);
        expect_codes(8);
        rst = 1;
        repeat (4) @(posedge clk);
        @(negedge clk) rst = 0;
        expect_none(9);
        pauses(6);
        expect_codes(10);
        $display("PASS after %0d reads", reads);
        $finish;
    end
endmodule
"#;

fn simulate(board: &str, kind: MonitorKind, address_bits: u32, more: &[&str]) -> Output {
    let folder = fresh(&format!("monitor-{board}-{}", more.len()));
    let project = small(&find(board, None).unwrap());
    fs::write(folder.join("bench.v"), BENCH).unwrap();
    let mut files = vec!["bench.v".to_owned()];
    for (name, text) in project.files.iter().filter(|(name, _)| name.ends_with(".v") && !name.ends_with("shell.v")) {
        let file = name.rsplit('/').next().unwrap();
        fs::write(folder.join(file), text).unwrap();
        files.push(file.into());
    }
    let at = |name: &str, bit: u32| format!("-D{name}={bit}");
    let mut arguments = vec![
        at("MONITOR", map::MONITOR.offset),
        at("TEMPERATURE", Monitor::temperature.bit),
        at("VCCINT", Monitor::vccint.bit),
        at("VCCAUX", Monitor::vccaux.bit),
        at("KIND", Monitor::kind.bit),
        at("PRESENT", Monitor::present.bit),
        at("ON_CHIP", Monitor::on_chip.bit),
        format!("-GADDRESS_BITS={address_bits}"),
        format!("-GKIND={}", kind.code()),
    ];
    arguments.extend(more.iter().map(|argument| argument.to_string()));
    common::simulate(&folder, &arguments, &files)
}

#[test]
fn codes_reach_the_register_and_silence_is_seen() {
    for (board, kind, address_bits) in [
        ("acorn-cle215", MonitorKind::Xadc, 7),
        ("kcu105", MonitorKind::Sysmone1, 8),
        ("vcu118", MonitorKind::Sysmone4, 8),
    ] {
        let output = simulate(board, kind, address_bits, &[]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("PASS"), "{board}: {text}");
        println!("{board}: {text}");
    }
}

/// The bench can fail: answers for another address are found.
#[test]
fn codes_of_another_address_are_found() {
    let output = simulate("acorn-cle215", MonitorKind::Xadc, 7, &["-GWRONG=1"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("1: temperature"), "{text}");
}

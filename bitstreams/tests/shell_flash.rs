//! The way from the accelerator's port to the board's configuration flash, through a generated shell up to its pins.

mod common;

use std::{fs, process::Output};

use common::{simulate, small, written};
use hotloop_boards::{find, vivado::Block, Family};
use hotloop_hdl::datapath::PortDirection;
use hotloop_regs::{map, FlashCommand, FlashState};

/// A flash at the end of the shell's wires, and a host at the port of `bar_lite`; the shell between them is the project's
/// own, its IP are boxes without anything in them, but for clocks and resets.
const FLASH: &str = r#"
`timescale 1ns/1ps
module bench;
    reg clk = 0;
    always #2.5 clk = ~clk;
    reg [31:0] awaddr = 0, araddr = 0, wdata = 0;
    reg awvalid = 0, wvalid = 0, arvalid = 0;
    reg [31:0] answer = 32'hc35a960f, heard = 0;
    reg miso;
    integer clocks = 0;
    wire clock = top.startup.USRCCLKO;
`ifdef SERIES7
    wire select_n, mosi, write_protect_n, hold_n;
    shell top (.pcie_reset_n(1'b1), .flash_select_n(select_n), .flash_mosi(mosi), .flash_miso(miso),
        .flash_write_protect_n(write_protect_n), .flash_hold_n(hold_n));
    wire quiet = top.startup.CLK == 0;
`else
    shell top (.pcie_reset_n(1'b1));
    wire [3:0] lines = top.startup.DO;
    wire select_n = top.startup.FCSBO, mosi = lines[0], write_protect_n = lines[2], hold_n = lines[3];
    wire quiet = top.startup.DTS == 4'b0010 && top.startup.FCSBTS == 0;
`endif
    wire tied = top.startup.GSR == 0 && top.startup.GTS == 0 && top.startup.PACK == 0 && top.startup.KEYCLEARB == 1
        && top.startup.USRCCLKTS == 0 && top.startup.USRDONETS == 1;
    always @(posedge clk) begin
        if (!quiet || !tied) $fatal(1, "an input of the cell is tied wrongly");
        if (write_protect_n !== 1 || hold_n !== 1) $fatal(1, "the flash is held");
    end

    // SPI mode 0.
    always @(*) miso = select_n ? 1'b1 : answer[31];
    always @(posedge clock) begin
        clocks <= clocks + 1;
        if (!select_n) heard <= {heard[30:0], mosi};
    end
    always @(negedge clock) if (!select_n) answer <= {answer[30:0], 1'b1};

    wire awready = top.accelerator.s_awready, wready = top.accelerator.s_wready;
    wire arready = top.accelerator.s_arready, rvalid = top.accelerator.s_rvalid;
    // What stood at the last edge.
    reg awready_was = 0, wready_was = 0;
    always @(posedge clk) begin
        awready_was <= awready;
        wready_was <= wready;
    end
    reg [31:0] value;
    task read(input [15:0] at);
        begin
            @(negedge clk) araddr = at; arvalid = 1;
            while (!arready) @(negedge clk);
            @(negedge clk) arvalid = 0;
            while (!rvalid) @(negedge clk);
            value = top.accelerator.s_rdata;
        end
    endtask
    task write(input [15:0] at, input [31:0] what);
        begin
            @(negedge clk) awaddr = at; wdata = what; awvalid = 1; wvalid = 1;
            while (awvalid || wvalid) begin
                @(posedge clk) #1;
                if (awready_was) awvalid = 0;
                if (wready_was) wvalid = 0;
            end
            repeat (8) @(negedge clk);
        end
    endtask
    task command(input [7:0] number, input [2:0] count, input select);
        integer patience;
        begin
            write(`FLASH_COMMAND, number << `NUMBER | count << `COUNT | select << `SELECT);
            value = 0;
            for (patience = 0; patience < 1000 && value[`DONE +: 8] != number; patience = patience + 1)
                read(`FLASH_STATE);
            if (value[`DONE +: 8] != number) $fatal(1, "command %0d does not end", number);
        end
    endtask

    initial begin
        repeat (100) @(posedge clk);
        read(`PART_IDCODE);
        if (value != `IDCODE) $fatal(1, "IDCODE %h", value);
        read(`FLASH_STATE);
        if (value[`PORT +: 4] != 1) $fatal(1, "there is no port: %h", value);
        // Clocks for the cell to hand over.
        command(1, 4, 0);
        if (clocks != 32 || !select_n || heard != 0) $fatal(1, "%0d clocks, select %b", clocks, select_n);
        write(`FLASH_OUT, 32'h9f123456);
        command(2, 4, 1);
        if (clocks != 64 || select_n) $fatal(1, "%0d clocks, select %b", clocks, select_n);
        if (heard != 32'h9f123456) $fatal(1, "the flash heard %h", heard);
        read(`FLASH_IN);
        if (value != 32'hc35a960f) $fatal(1, "the flash said %h", value);
        command(3, 0, 0);
        if (clocks != 64 || !select_n) $fatal(1, "%0d clocks, select %b", clocks, select_n);
        $display("PASS");
        $finish;
    end
endmodule
"#;

/// A box with parameters, and with something at those of its outputs that are in the list.
fn full_box(block: &Block, inside: &[(&str, &str)]) -> String {
    let gives = |port: &str| block.port(port).is_some_and(|port| port.direction == PortDirection::Out);
    let assigns = inside.iter().filter(|(port, _)| gives(port));
    let assigns: String = assigns.map(|(port, value)| format!("    assign {port} = {value};\n")).collect();
    let parameters: Vec<String> = ["40", "41", "42", "48", "4A"].map(|n| format!("INIT_{n} = 0")).to_vec();
    let head = format!("module {} #(parameter {}) (", block.module, parameters.join(", "));
    let text = block.black_box().replace("(* blackbox *)\n", "").replace("endmodule", &format!("{assigns}endmodule"));
    text.replacen(&format!("module {} (", block.module), &head, 1)
}

/// Simulates a board's shell with its flash, after `from` in the shell has become `to`.
fn flash(test: &str, name: &str, (from, to): (&str, &str)) -> Output {
    let board = find(name, None).unwrap();
    let project = small(&board);
    let folder = written(test, &board, &project);
    let shell = folder.join(name).join("rtl/shell.v");
    let text = fs::read_to_string(&shell).unwrap();
    assert!(text.contains(from), "{from} is not in the shell");
    fs::write(&shell, text.replacen(from, to, 1)).unwrap();
    // Clocks and resets, the host, and the flash's answer, on line 1 alone.
    let inside = [
        ("axi_aclk_out", "bench.clk"),
        ("axi_aclk", "bench.clk"),
        ("mmcm_lock", "1'b1"),
        ("axi_aresetn", "1'b1"),
        ("clk_out1", "bench.clk"),
        ("locked", "1'b1"),
    ];
    let host = [
        ("m_axi_awaddr", "bench.awaddr"),
        ("m_axi_awvalid", "bench.awvalid"),
        ("m_axi_wdata", "bench.wdata"),
        ("m_axi_wstrb", "4'hf"),
        ("m_axi_wvalid", "bench.wvalid"),
        ("m_axi_bready", "1'b1"),
        ("m_axi_araddr", "bench.araddr"),
        ("m_axi_arvalid", "bench.arvalid"),
        ("m_axi_rready", "1'b1"),
    ];
    let answer = [("DI", "{2'b11, bench.miso, ~bench.miso}")];
    let mut bench = String::from(FLASH);
    for ip in &project.ips {
        let inside: &[_] = if ip.block.module == "bar_lite" { &host } else { &inside };
        bench += &full_box(&ip.block, inside);
    }
    bench.extend(project.cells.iter().map(|cell| full_box(cell, &answer)));
    fs::write(folder.join("bench.v"), bench).unwrap();
    let sources = project.files.iter().map(|(name, _)| name).filter(|name| name.ends_with(".v"));
    let files: Vec<String> = std::iter::once("bench.v".to_owned()).chain(sources.cloned()).collect();
    let at = |name: &str, value: u32| format!("-D{name}={value}");
    let mut arguments = vec![
        at("PART_IDCODE", map::PART_IDCODE.offset),
        at("FLASH_OUT", map::FLASH_OUT.offset),
        at("FLASH_COMMAND", map::FLASH_COMMAND.offset),
        at("FLASH_IN", map::FLASH_IN.offset),
        at("FLASH_STATE", map::FLASH_STATE.offset),
        at("NUMBER", FlashCommand::number.bit),
        at("COUNT", FlashCommand::count.bit),
        at("SELECT", FlashCommand::select.bit),
        at("DONE", FlashState::number.bit),
        at("PORT", FlashState::kind.bit),
        at("IDCODE", board.idcode),
    ];
    if board.family == Family::Series7 {
        arguments.push("-DSERIES7".into());
    }
    simulate(&folder, &arguments, &files)
}

/// Bits go from the accelerator's port to the flash and back, on the pins where they should, and the image's IDCODE is in
/// its register.
#[test]
fn bits_reach_the_flash_and_come_back() {
    for name in ["acorn-cle215", "kcu105", "kcu116"] {
        let output = flash("flash", name, ("module shell", "module shell"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("PASS"), "{name}: {text}");
    }
}

/// The bench can fail.
#[test]
fn wrong_wires_to_the_flash_are_found() {
    for (name, from, to, expected) in [
        ("acorn-cle215", "flash_mosi = accelerator_flash_mosi", "flash_mosi = accelerator_busy", "the flash heard"),
        ("acorn-cle215", "flash_hold_n = 1'b1", "flash_hold_n = 1'b0", "the flash is held"),
        ("kcu105", "startup_DI[1]", "startup_DI[0]", "the flash said"),
        ("kcu105", ".DTS(4'h2)", ".DTS(4'h0)", "tied wrongly"),
    ] {
        let output = flash("wrong", name, (from, to));
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(expected), "{name}, {to}: {text}");
    }
}

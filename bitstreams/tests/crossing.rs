//! The shell's own logic in Verilator, with two clocks that know nothing of each other: no interrupt is lost, none is made
//! up, and the reset ends late and begins soon.

mod common;

use std::{fs, process::Output};

use common::{fresh, small};
use hotloop_boards::find;

/// Pulses at random in bursts, a bridge that takes its time, and what must hold after each burst. The bridge is the one of
/// the board: `EACH` for a request a vector, one by one otherwise. A message leaves with its request, the soonest it can. `BROKEN` lets edges follow each other at once.
const BENCH: &str = r#"
`timescale 1ns/1ps
module bench;
    parameter BROKEN = 0;
    parameter SLOW = 0; // the bridge's clock, slower than the other
    localparam UNIT = SLOW ? 8 : 1;
    reg clk = 0, axi = 0, good = 0, enable = 0;
    always #2.5 clk = ~clk;
    always #(3.97 * UNIT) axi = ~axi;
    wire reset, resetn;
    reset_sync resets (.clk(clk), .rst(1'b0), .good(good), .reset(reset), .resetn(resetn));

    reg [1:0] irq = 0;
    wire [1:0] toggles, seen;
    wire [1:0] back = BROKEN ? toggles : seen;
    irq_events events (.clk(clk), .rst(reset), .irq(irq), .seen(back), .toggles(toggles));

    reg burst = 0;
    integer pulses [0:1];
    integer messages [0:1];
    real pulsed [0:1];
    real sent [0:1];
    integer v, p;
    always @(posedge clk) irq <= burst ? $urandom & $urandom : 2'b0;
    // A pulse counts from its end: until then it may go with the last message.
    always @(posedge clk) for (p = 0; p < 2; p = p + 1) if (irq[p] && !reset) begin
        pulses[p] = pulses[p] + 1;
        pulsed[p] = $realtime;
    end

    task message(input integer vector);
        if (!enable) $fatal(1, "a message while they are off");
        messages[vector] = messages[vector] + 1;
        sent[vector] = $realtime;
    endtask
`ifdef EACH
    wire [1:0] request;
    reg [1:0] acknowledge = 0;
    irq_sender sender (.clk(axi), .rst(!good), .toggles(toggles), .enable(enable), .sent(acknowledge), .seen(seen),
        .request(request));
    reg [1:0] last = 0;
    integer a;
    always @(posedge axi) begin
        acknowledge <= 0;
        last <= request;
        for (a = 0; a < 2; a = a + 1) begin
            if (request[a] && !last[a]) message(a);
            if (request[a] && !acknowledge[a] && $urandom % 8 == 0) acknowledge[a] <= 1;
        end
    end
`else
    wire request;
    wire [4:0] vector;
    reg granted = 0, last = 0, waiting = 0;
    irq_sender sender (.clk(axi), .rst(!good), .toggles(toggles), .enable(enable), .granted(granted), .seen(seen),
        .request(request), .vector(vector));
    always @(posedge axi) begin
        granted <= 0;
        last <= request;
        if (request && !last) begin
            if (vector > 1) $fatal(1, "there is no vector %0d", vector);
            message({27'b0, vector});
            waiting <= 1;
        end else if (waiting && $urandom % 8 == 0) begin
            granted <= 1;
            waiting <= 0;
        end
        if (waiting && !request && !granted && enable) $fatal(1, "the request fell before its grant");
    end
`endif

    integer round;
    initial begin
        for (v = 0; v < 2; v = v + 1) begin
            pulses[v] = 0; messages[v] = 0; pulsed[v] = 0; sent[v] = 0;
        end
        #50 if (!reset) $fatal(1, "no reset before the clocks are good");
        good = 1;
        #12 if (!reset) $fatal(1, "the reset ends too soon");
        #100 if (reset) $fatal(1, "the reset does not end");
        // Off: events go nowhere, now and later.
        burst = 1; #500 burst = 0; #(500 * UNIT);
        if (messages[0] + messages[1] != 0) $fatal(1, "messages while they are off");
        enable = 1;
        #(500 * UNIT) if (messages[0] + messages[1] != 0) $fatal(1, "old events became messages");
        pulses[0] = 0; pulses[1] = 0; pulsed[0] = 0; pulsed[1] = 0;
        for (round = 0; round < 500; round = round + 1) begin
            burst = 1; #(5 + $urandom % 60) burst = 0;
            #(1000 * UNIT);
            for (v = 0; v < 2; v = v + 1) begin
                if (pulsed[v] > sent[v]) $fatal(1, "round %0d: an event of vector %0d was lost", round, v);
                if (messages[v] > pulses[v]) $fatal(1, "a message without an event");
            end
        end
        if (pulses[0] < 500 || pulses[1] < 500) $fatal(1, "nothing was tried");
        good = 0;
        #60 if (!reset) $fatal(1, "the reset does not begin");
        $display("PASS %0d %0d events, %0d %0d messages", pulses[0], pulses[1], messages[0], messages[1]);
        $finish;
    end
endmodule
"#;

fn simulate(board: &str, arguments: &[&str]) -> Output {
    let folder = fresh(&format!("crossing-{board}-{}", arguments.len()));
    let project = small(&find(board, None).unwrap());
    let mut files = vec!["bench.v".to_owned()];
    fs::write(folder.join("bench.v"), BENCH).unwrap();
    for module in ["irq_events", "irq_sender", "reset_sync"] {
        let file = format!("{module}.v");
        let (_, text) = project.files.iter().find(|(name, _)| name.ends_with(&format!("rtl/{file}"))).unwrap();
        fs::write(folder.join(&file), text).unwrap();
        files.push(file);
    }
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.to_string()).collect();
    common::simulate(&folder, &arguments, &files)
}

#[test]
fn no_interrupt_is_lost_and_none_is_made_up() {
    for (board, arguments) in [("acorn-cle215", &["-GSLOW=1"][..]), ("acorn-cle215", &[]), ("vcu118", &["-DEACH"])] {
        let output = simulate(board, arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("PASS"), "{board}: {text}");
        println!("{board}: {text}");
    }
}

/// The bench can fail: edges that do not wait are lost.
#[test]
fn edges_that_do_not_wait_are_found() {
    let output = simulate("acorn-cle215", &["-GSLOW=1", "-GBROKEN=1"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("was lost"), "{text}");
}

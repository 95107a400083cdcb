// The reduction as emitted inside goldilocks_mul. The multiplier in front of it is cut out: this leaf hands any two
// words through, so that the product is any 128-bit number.
module mul_leaf (input clk, input rst, input [63:0] a, input [63:0] b, output [63:0] low, output [63:0] high);
    assign low = a;
    assign high = b;
endmodule

module proof (input clk, input [63:0] low, input [63:0] high);
    localparam [67:0] P = 68'hffff_ffff_0000_0001;
    wire [63:0] y;
    goldilocks_mul dut (.clk(clk), .rst(1'b0), .a(low), .b(high), .y(y));

    // What entered as many cycles ago as the pipeline is long. Inputs change every cycle.
    reg [128*@LATENCY@-1:0] past;
    reg [3:0] cycles = 0;
    always @(posedge clk) begin
        past <= {past, high, low};
        cycles <= cycles + (cycles != @LATENCY@);
    end
    wire [63:0] lo = past[128*@LATENCY@-128 +: 64];
    wire [31:0] hl = past[128*@LATENCY@-64 +: 32];
    wire [31:0] hh = past[128*@LATENCY@-32 +: 32];

    // t = lo - hh + hl * (2^32 - 1), congruent to lo + 2^64 hl + 2^96 hh because 2^64 = 2^32 - 1 and 2^96 = -1 mod p.
    // -2^32 < t < 2p. A remainder by division would never finish in a solver.
    wire [67:0] t = {4'h0, lo} - {36'h0, hh} + {4'h0, hl, 32'h0} - {36'h0, hl};
    always @(posedge clk) if (cycles == @LATENCY@) begin
        assert (y < P[63:0]);
        assert ({4'h0, y} == t || {4'h0, y} == t - P || {4'h0, y} == t + P);
    end
endmodule

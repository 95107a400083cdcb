// Addition or subtraction modulo p, of canonical operands that change every cycle.
module proof (input clk, input [63:0] a, input [63:0] b);
    localparam [67:0] P = 68'hffff_ffff_0000_0001;
    wire [63:0] y;
    @MODULE@ dut (.clk(clk), .rst(1'b0), .a(a), .b(b), .y(y));
    always @(posedge clk) assume (a < P[63:0] && b < P[63:0]);

    reg [128*@LATENCY@-1:0] past;
    reg [3:0] cycles = 0;
    always @(posedge clk) begin
        past <= {past, b, a};
        cycles <= cycles + (cycles != @LATENCY@);
    end
    wire [67:0] pa = {4'h0, past[128*@LATENCY@-128 +: 64]};
    wire [67:0] pb = {4'h0, past[128*@LATENCY@-64 +: 64]};
    wire [67:0] t = pa @SIGN@ pb;
    always @(posedge clk) if (cycles == @LATENCY@) begin
        assert (y < P[63:0]);
        assert ({4'h0, y} == t || {4'h0, y} == t @BACK@ P);
    end
endmodule

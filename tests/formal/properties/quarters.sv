    // The reduction behind an ECP5's leaf, whose coefficients are any (c0 and c1 in two's complement).
    // With high = c2 + c3 * 2^16 = h1 * 2^32 + h0 the value is c0 + c1 * 2^16 + h0 * 2^32 + h1 * 2^64, congruent to
    // t = c0 + c1 * 2^16 + h0 * 2^32 + h1 * (2^32 - 1). -2^50 < t < 2^64 + 2^53. A remainder by division would never finish
    // in a solver.
    localparam [67:0] P = 68'hffff_ffff_0000_0001;
    wire [51:0] f_high = {17'h0, {{c2}} } + {1'h0, {{c3}}, 16'h0 };
    wire [67:0] f_low = { {33{ {{c0}}[34] } }, {{c0}} } + { {18{ {{c1}}[33] } }, {{c1}}, 16'h0 };
    wire [67:0] f_t = f_low - f_high[51:32] + {4'h0, f_high[31:0], 32'h0} + {16'h0, f_high[51:32], 32'h0};
    reg [68*@LATENCY@-1:0] f_past;
    wire [67:0] f_then = f_past[68*@LATENCY@-1 -: 68];
    reg [3:0] f_cycles = 0;
    always @(posedge clk) begin
        f_past <= {f_past, f_t};
        f_cycles <= f_cycles + (f_cycles != @LATENCY@);
        if (f_cycles == @LATENCY@) begin
            assert (y < P[63:0]);
            assert ({4'h0, y} == f_then || {4'h0, y} == f_then - P || {4'h0, y} == f_then + P);
        end
    end

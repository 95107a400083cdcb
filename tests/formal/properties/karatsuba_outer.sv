    // The outer level: the three products of half words are free, but for what
    //     (x1 + x0)(y1 + y0) = x1y1 + x0y0 + (x0y1 + x1y0)
    // says. They are valid at the stages 6 (halves) and 7 (sums); the whole at 10.
    (* anyseq *) wire [63:0] f_low, f_high;
    (* anyseq *) wire [64:0] f_cross;
    reg [63:0] f_low_7, f_high_7;
    // The sum of two products is a register of its own, or the solver adds in another order than the hardware.
    reg [65:0] f_halves_7;
    wire [65:0] f_both = {1'b0, f_cross} + f_halves_7;
    wire [127:0] f_sum = {f_high_7, f_low_7} + ({63'h0, f_cross} << 32);
    reg [128*3-1:0] f_sums;
    reg [3:0] f_cycles = 0;
    always @(posedge clk) begin
        {f_low_7, f_high_7} <= {f_low, f_high};
        f_halves_7 <= {2'b0, f_low} + f_high;
        f_sums <= {f_sums, f_sum};
        f_cycles <= f_cycles + (f_cycles != 15);
        if (f_cycles >= 4) assert ({high, low} == f_sums[128*3-1 -: 128]);
    end

    // The 64 x 64 multiplier: its 32 x 32 products are cut out and free (f_product_N, of operands f_left_N, f_right_N),
    // because no solver multiplies. Proved: the operands are the halves they should be, and for any values of the
    // products the result is their sum at the right places. That the products are products is simulation's part.
    always @(posedge clk) begin
        assert (f_left_0 == a[31:0] && f_right_0 == b[31:0]);
        assert (f_left_1 == a[31:0] && f_right_1 == b[63:32]);
        assert (f_left_2 == a[63:32] && f_right_2 == b[31:0]);
        assert (f_left_3 == a[63:32] && f_right_3 == b[63:32]);
    end
    wire [127:0] f_sum = {64'h0, f_product_0} + {32'h0, f_product_1, 32'h0} + {32'h0, f_product_2, 32'h0}
        + {f_product_3, 64'h0};
    reg [128*@LATENCY@-1:0] f_sums;
    reg [3:0] f_cycles = 0;
    always @(posedge clk) begin
        f_sums <= {f_sums, f_sum};
        f_cycles <= f_cycles + (f_cycles != @LATENCY@);
        if (f_cycles == @LATENCY@) assert ({high, low} == f_sums[128*@LATENCY@-1 -: 128]);
    end

    // Two levels of Karatsuba's method, of polynomials with four coefficients of 16 bits. The nine cells' products are free
    // (f_p_N, of operands f_a_N and f_b_N), because no solver multiplies, but for what
    //     (x1 + x0)(y1 + y0) = x1y1 + x0y0 + (x0y1 + x1y0)
    // says: the product of sums is the two products and something, free, a bit longer than one of them.
    // Proved: the operands are the right parts and sums, and whatever the cells' products, c0 to c3 are the sums of products
    // that make the remainder modulo z^4 - z^2 + 1 (hdl/src/field/leaf/ecp5.rs, with their limits): c0 and c2 in two's
    // complement, c1 and c3 signs and all. That the products are products is simulation's part.
    // Cells 0 to 3 are of the quarters, 4 and 5 of sums of every second one, 6 and 7 of neighbours, 8 of all.
    reg [16:0] f_a01, f_a23, f_b01, f_b23;
    reg [3:0] f_cycles = 0;
    always @(posedge clk) begin
        f_a01 <= {1'b0, a[15:0]} + a[31:16];
        f_a23 <= {1'b0, a[47:32]} + a[63:48];
        f_b01 <= {1'b0, b[15:0]} + b[31:16];
        f_b23 <= {1'b0, b[47:32]} + b[63:48];
        f_cycles <= f_cycles + (f_cycles != 15);
        assert (!f_s_0 && !f_s_1 && !f_s_2 && !f_s_3 && !f_s_4 && !f_s_5 && !f_s_6 && !f_s_7 && !f_s_8);
        assert (f_a_0 == a[15:0] && f_b_0 == b[15:0] && f_a_1 == a[31:16] && f_b_1 == b[31:16]);
        assert (f_a_2 == a[47:32] && f_b_2 == b[47:32] && f_a_3 == a[63:48] && f_b_3 == b[63:48]);
        assert (f_a_4 == a[15:0] + a[47:32] && f_b_4 == b[15:0] + b[47:32]);
        assert (f_a_5 == a[31:16] + a[63:48] && f_b_5 == b[31:16] + b[63:48]);
        if (f_cycles >= 1) begin
            assert (f_a_6 == f_a01 && f_b_6 == f_b01 && f_a_7 == f_a23 && f_b_7 == f_b23);
            assert (f_a_8 == f_a01 + f_a23 && f_b_8 == f_b01 + f_b23);
        end
    end

    // The cells' stages are 3 (0 to 5) and 4. f_x_6 and f_x_7 are what cells 6 and 7 have more than the two products under
    // their sums; cell 8 has f_x_6, f_x_7 and f_x_8 more than cells 4 and 5.
    (* anyseq *) wire [31:0] f_0, f_1, f_2, f_3;
    (* anyseq *) wire [33:0] f_4, f_5, f_x_8;
    (* anyseq *) wire [32:0] f_x_6, f_x_7;
    // The sum of two products is a register of its own, or the solver adds in another order than the hardware.
    reg [32:0] f_sum_6, f_sum_7, f_less_2;
    reg [34:0] f_sum_8, f_less_0;
    wire [34:0] f_both = {1'h0, f_x_8} + f_x_7;
    wire [35:0] f_more = {1'h0, f_both} + f_x_6;
    assign f_p_0 = f_0, f_p_1 = f_1, f_p_2 = f_2, f_p_3 = f_3, f_p_4 = f_4, f_p_5 = f_5;
    assign f_p_6 = {1'h0, f_sum_6} + f_x_6, f_p_7 = {1'h0, f_sum_7} + f_x_7, f_p_8 = {1'h0, f_sum_8} + f_more;
    reg [34:0] f_c0_5, f_c2_5, f_c3_5, f_c0_6, f_c2_6, f_c3_6;
    reg [33:0] f_c1_5, f_c1_6;
    always @(posedge clk) begin
        f_sum_6 <= {1'h0, f_0} + f_1;
        f_sum_7 <= {1'h0, f_2} + f_3;
        f_sum_8 <= {1'h0, f_4} + f_5;
        f_less_0 <= {3'h0, f_2} + f_5;
        f_less_2 <= {1'h0, f_0} + f_3;
        f_c0_5 <= {2'h0, f_sum_6} - f_less_0;
        f_c2_5 <= f_sum_8 - f_less_2;
        f_c1_5 <= {1'h0, f_x_6} - f_x_7;
        f_c3_5 <= f_both;
        {f_c0_6, f_c1_6, f_c2_6, f_c3_6} <= {f_c0_5, f_c1_5, f_c2_5, f_c3_5};
        if (f_cycles >= @LATENCY@) begin
            assert (c0 == f_c0_6);
            assert (c1 == f_c1_6);
            assert (c2 == f_c2_6);
            assert (c3 == f_c3_6);
        end
    end

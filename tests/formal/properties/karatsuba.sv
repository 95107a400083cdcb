    // The inner one of two levels of Karatsuba's method. The nine cells' products are free (f_p_N, of operands f_a_N and
    // f_b_N), because no solver multiplies, but for what
    //     (x1 + x0)(y1 + y0) = x1y1 + x0y0 + (x0y1 + x1y0)
    // says: the product of sums is the two products of halves and something, free, a bit shorter than itself.
    // Proved: the operands are the right parts and sums, and whatever the cells' products, each product of half words is
    // their sum at the right places. That the products are products is simulation's part.
    // Cells 0 to 2 are of the low halves (low, high, both), 3 to 5 of the high halves, 6 to 8 of the sums.
    reg [31:0] f_a0, f_b0, f_a1, f_b1;
    reg [32:0] f_as, f_bs, f_as_late, f_bs_late;
    reg [3:0] f_cycles = 0;
    always @(posedge clk) begin
        {f_a1, f_a0} <= a;
        {f_b1, f_b0} <= b;
        f_as <= {1'b0, a[31:0]} + a[63:32];
        f_bs <= {1'b0, b[31:0]} + b[63:32];
        f_as_late <= f_as;
        f_bs_late <= f_bs;
        f_cycles <= f_cycles + (f_cycles != 15);
        assert (f_a_0 == a[15:0] && f_b_0 == b[15:0] && f_a_1 == a[31:16] && f_b_1 == b[31:16]);
        assert (f_a_3 == a[47:32] && f_b_3 == b[47:32] && f_a_4 == a[63:48] && f_b_4 == b[63:48]);
        if (f_cycles >= 1) begin
            assert (f_a_2 == f_a0[15:0] + f_a0[31:16] && f_b_2 == f_b0[15:0] + f_b0[31:16]);
            assert (f_a_5 == f_a1[15:0] + f_a1[31:16] && f_b_5 == f_b1[15:0] + f_b1[31:16]);
            assert (f_a_6 == f_as[16:0] && f_b_6 == f_bs[16:0] && f_a_7 == f_as[32:17] && f_b_7 == f_bs[32:17]);
        end
        if (f_cycles >= 2)
            assert (f_a_8 == f_as_late[16:0] + f_as_late[32:17] && f_b_8 == f_bs_late[16:0] + f_bs_late[32:17]);
    end

    // The cells' stages are 3 (halves of a and b), 4 (their sums, halves of sums) and 5 (sums of sums).
    (* anyseq *) wire [31:0] f_ll, f_lh, f_hl, f_hh, f_bh;
    (* anyseq *) wire [33:0] f_bl;
    (* anyseq *) wire [32:0] f_lx, f_hx;
    (* anyseq *) wire [34:0] f_bx;
    reg [31:0] f_ll_4, f_lh_4, f_hl_4, f_hh_4, f_bh_5;
    reg [33:0] f_bl_5;
    // The sum of two products is a register of its own, or the solver adds in another order than the hardware.
    reg [32:0] f_low_sum, f_high_sum;
    reg [34:0] f_both_sum;
    assign f_p_0 = f_ll, f_p_1 = f_lh, f_p_2 = {3'h0, f_lx} + f_low_sum;
    assign f_p_3 = f_hl, f_p_4 = f_hh, f_p_5 = {3'h0, f_hx} + f_high_sum;
    assign f_p_6 = f_bl, f_p_7 = f_bh, f_p_8 = {1'h0, f_bx} + f_both_sum;
    reg [63:0] f_low_5, f_low_6, f_high_5, f_high_6;
    reg [65:0] f_both_6, f_both_7;
    always @(posedge clk) begin
        {f_ll_4, f_lh_4, f_hl_4, f_hh_4, f_bl_5, f_bh_5} <= {f_ll, f_lh, f_hl, f_hh, f_bl, f_bh};
        f_low_sum <= {1'h0, f_ll} + f_lh;
        f_high_sum <= {1'h0, f_hl} + f_hh;
        f_both_sum <= {1'h0, f_bl} + f_bh;
        f_low_5 <= {f_lh_4, f_ll_4} + ({31'h0, f_lx} << 16);
        f_high_5 <= {f_hh_4, f_hl_4} + ({31'h0, f_hx} << 16);
        f_both_6 <= {f_bh_5, f_bl_5} + ({31'h0, f_bx} << 17);
        {f_low_6, f_high_6, f_both_7} <= {f_low_5, f_high_5, f_both_6};
        if (f_cycles >= 7) begin
            assert ({{product_low}} == f_low_6);
            assert ({{product_high}} == f_high_6);
            assert ({{product_both}} == f_both_7);
        end
    end

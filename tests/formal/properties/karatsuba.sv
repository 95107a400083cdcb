    // Karatsuba's method, twice. The nine cells' products are free (f_p_N, of operands f_a_N and f_b_N), because no solver
    // multiplies; all that is assumed of them is how long they are, and, from
    //     (x1 + x0)(y1 + y0) = x1y1 + x0y0 + (x0y1 + x1y0),
    // that the product of sums less the two products of halves is a sum of two products of halves: a bit shorter.
    // Proved: the operands are the right parts and sums, and for any such products the result is the sum of the parts at
    // their places, modulo 2^64 in the halves and 2^128 in the whole, which a product does not exceed. That the products
    // are products is simulation's part.
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

    // The products of one pair of operands, side by side: the cells' stages are 3, 4 (0 to 5: only `both`) and 5.
    reg [35:0] f_l0, f_l1, f_h0, f_h1, f_ll, f_lh, f_lb, f_hl, f_hh, f_hb, f_bl, f_bh;
    always @(posedge clk) begin
        {f_l0, f_l1, f_h0, f_h1} <= {f_p_0, f_p_1, f_p_3, f_p_4};
        {f_ll, f_lh, f_hl, f_hh} <= {f_l0, f_l1, f_h0, f_h1};
        {f_lb, f_hb, f_bl, f_bh} <= {f_p_2, f_p_5, f_p_6, f_p_7};
    end
    wire [35:0] f_bb = f_p_8;
    // x0y1 + x1y0 at both levels.
    wire [35:0] f_lx = f_lb - (f_ll + f_lh), f_hx = f_hb - (f_hl + f_hh), f_bx = f_bb - (f_bl + f_bh);
    wire [63:0] f_low = {f_lh[31:0], f_ll[31:0]} + ({28'h0, f_lx} << 16);
    wire [63:0] f_high = {f_hh[31:0], f_hl[31:0]} + ({28'h0, f_hx} << 16);
    wire [65:0] f_both = {f_bh[31:0], f_bl[33:0]} + ({30'h0, f_bx} << 17);
    wire [66:0] f_cross = {1'b0, f_both} - ({3'b0, f_low} + {3'b0, f_high});
    always @(posedge clk) begin
        assume ({f_ll[35:32], f_lh[35:32], f_hl[35:32], f_hh[35:32], f_bl[35:34], f_bh[35:32]} == 0);
        assume ({f_lb[35:34], f_hb[35:34], f_lx[35:33], f_hx[35:33], f_bx[35], f_cross[66:65]} == 0);
    end
    // First the three products of half words, at the stages 6, 6 and 7; then, from those, the whole.
    reg [63:0] f_low_6, f_high_6, f_low_7, f_high_7;
    reg [65:0] f_both_6, f_both_7;
    wire [65:0] f_cross_7 = {{product_both}} - ({2'b0, f_low_7} + {2'b0, f_high_7});
    wire [127:0] f_sum = {f_high_7, f_low_7} + ({62'h0, f_cross_7} << 32);
    reg [128*3-1:0] f_sums;
    always @(posedge clk) begin
        {f_low_6, f_high_6, f_both_6, f_both_7} <= {f_low, f_high, f_both, f_both_6};
        {f_low_7, f_high_7} <= { {{product_low}}, {{product_high}} };
        f_sums <= {f_sums, f_sum};
        if (f_cycles >= 7)
            assert ({{product_low}} == f_low_6 && {{product_high}} == f_high_6 && {{product_both}} == f_both_7);
        if (f_cycles >= 10) assert ({high, low} == f_sums[128*3-1 -: 128]);
    end

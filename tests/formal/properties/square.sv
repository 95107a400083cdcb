    // A square of polynomials with four coefficients of 16 bits, modulo z^4 - z^2 + 1 (hdl/src/field/leaf/ecp5.rs, with the
    // limits of the coefficients). The seven cells' products are free, but for what
    //     (x0 + x2)(x1 + x3) = x0x1 + (x0x3 + x1x2 + x2x3)
    // says of cells 6 and 4: one is the other and something, free.
    // Proved: the operands are the right parts and sums, signed where one is a difference, and whatever the cells' products, c0 to
    // c3 are the sums of products that make the remainder, c0 and c1 in two's complement. That the products are products is
    // simulation's part.
    // Cells: 0 of difference and sum of even quarters, 1 to 3 of a quarter and a sum with twice another, 4 and 5 of
    // neighbours, 6 of sums.
    reg [3:0] f_cycles = 0;
    wire [17:0] f_x0 = a[15:0], f_x1 = a[31:16], f_x2 = a[47:32], f_x3 = a[63:48];
    always @(posedge clk) begin
        f_cycles <= f_cycles + (f_cycles != 15);
        assert (f_s_0 && !f_s_1 && !f_s_2 && !f_s_3 && !f_s_4 && !f_s_5 && !f_s_6);
        assert (f_a_0 == f_x0 - f_x2 && f_b_0 == f_x0 + f_x2);
        assert (f_a_1 == 2 * f_x0 + f_x2 && f_b_1 == f_x2);
        assert (f_a_2 == f_x1 + 2 * f_x3 && f_b_2 == f_x1);
        assert (f_a_3 == 2 * f_x1 + f_x3 && f_b_3 == f_x3);
        assert (f_a_4 == f_x0 && f_b_4 == f_x1 && f_a_5 == f_x2 && f_b_5 == f_x3);
        assert (f_a_6 == f_x0 + f_x2 && f_b_6 == f_x1 + f_x3);
    end

    // Products of two quarters, of a quarter and a sum of 18 bits, and of the difference and a sum.
    (* anyseq *) wire [31:0] f_4, f_5;
    (* anyseq *) wire [33:0] f_0, f_1, f_2, f_3, f_x_6;
    assign f_p_0 = { {2{f_0[33]} }, f_0}, f_p_1 = f_1, f_p_2 = f_2, f_p_3 = f_3, f_p_4 = f_4, f_p_5 = f_5;
    // As products of 17 bits they have no carry.
    assign f_p_6 = {2'h0, f_4} + f_x_6;
    reg [34:0] f_c0, f_c2, f_c3;
    reg [33:0] f_c1;
    always @(posedge clk) begin
        f_c0 <= {f_0[33], f_0} - f_3;
        f_c1 <= {2'h0, f_4} + {2'h0, f_4} - f_5 - f_5;
        f_c2 <= {1'h0, f_1} + f_2;
        f_c3 <= {1'h0, f_x_6} + f_x_6;
        if (f_cycles >= @LATENCY@) begin
            assert (c0 == f_c0);
            assert (c1 == f_c1);
            assert (c2 == f_c2);
            assert (c3 == f_c3);
        end
    end

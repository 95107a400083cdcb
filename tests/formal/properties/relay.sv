    // The relay against a queue of two words that shifts: for every input and any reset on the way.
    wire f_push = in_valid && in_ready;
    wire f_pop = out_valid && out_ready;
    reg [1:0] f_inside = 0;
    reg [7:0] f_first, f_second;
    always @(posedge clk) begin
        f_inside <= rst ? 0 : f_inside + f_push - f_pop;
        if (f_pop) f_first <= f_second;
        if (f_push && f_inside == f_pop) f_first <= in_data;
        if (f_push && f_inside != f_pop) f_second <= in_data;
    end
    always @(posedge clk) begin
        assert (f_inside <= 2);
        assert (in_ready == (f_inside != 2));
        assert (out_valid == (f_inside != 0));
        if (out_valid) assert (out_data == f_first);
        // Invariants.
        if (f_inside == 2) assert (({{read}} ? {{slot_0}} : {{slot_1}}) == f_second);
        assert (({{write}} == {{read}}) == (f_inside != 1));
    end

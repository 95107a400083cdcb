    // The writer's queue, for what holds of any queue. It holds promises of 1 to 64 beats; those without bit 7 are bursts
    // on the bus. What it gives is free here (its memory is cut out) but for this: what comes out went in, so there are
    // no more of a kind than were put in and not yet taken. That this queue keeps order and content is the proof of
    // fifo_8x16, the same module. (To add up bits of sixteen words from a pointer on is more than a solver can do.)
    wire f_push = in_valid && in_ready, f_pop = out_valid && out_ready;
    reg [4:0] f_promised = 0, f_dropped = 0;
    always @(posedge clk) begin
        f_promised <= rst ? 0 : f_promised + (f_push && !in_data[7]) - (f_pop && !out_data[7]);
        f_dropped <= rst ? 0 : f_dropped + (f_push && in_data[7]) - (f_pop && out_data[7]);
        if (f_push) assert (in_data[6:0] >= 1 && in_data[6:0] <= 64);
        if (out_valid) assume (out_data[6:0] >= 1 && out_data[6:0] <= 64);
        if (out_valid) assume (out_data[7] ? f_dropped != 0 : f_promised != 0);
        // Invariants.
        assert ({{count}} <= 16 && f_promised <= 16 && f_dropped <= 16);
        assert ({1'b0, f_promised} + f_dropped == {1'b0, {{count}}});
        assert (!out_valid || {{count}} != 0);
    end

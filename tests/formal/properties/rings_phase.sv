    // One slot of the completion ring, any: the phase that was last written there.
    (* anyconst *) wire [11:0] f_slot;
    wire [15:0] f_index = cq_tail & (f_cq_size - 1);
    reg f_last = 0;
    always @(posedge clk) if (rst) f_last <= 0; else if (advance && f_index == f_slot) f_last <= phase;
    always @(posedge clk) begin
        // The phase: 1 in a slot's first pass, then the opposite of what lies there.
        if (advance && f_index == f_slot) assert (phase == !f_last);
        // It stays while it is offered, and so does the slot.
        if (f_past && !$past(rst)) begin
            if ($past(offer)) assert ((offer || send) && $stable(slot) && $stable(phase));
            if ($past(send)) assert ($stable(slot) && $stable(phase));
        end
        // Invariants.
        if (!f_past || $past(rst)) assert (!f_last);
        if (cq_tail == 0 || f_slot >= f_cq_size) assert (!f_last);
        assert (f_slot >= f_cq_size || f_last == (f_index > f_slot ? phase : !phase));
    end

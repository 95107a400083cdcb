    // The rings, with a host that keeps its side: it moves SQ_TAIL only forward and never more than a ring ahead of the
    // head, CQ_HEAD only forward and never past the tail; sizes and bases stay while the rings are on, and the
    // completion ring keeps its size until a reset once it is in use.
    reg f_past = 0;
    always @(posedge clk) f_past <= 1;
    wire f_off = f_state == 0, f_fault = f_state == 10;
    wire f_on = f_state >= 2 && f_state <= 9;
    // Descriptor taken, completion not yet written.
    wire f_job = f_state >= 5 && f_state <= 9;
    wire [15:0] f_sq_size = 16'h1 << ring_log[7:0];
    wire [15:0] f_cq_size = 16'h1 << ring_log[15:8];
    wire [15:0] f_waiting = sq_tail - sq_head;
    wire [15:0] f_unread = cq_tail - cq_head;
    always @(posedge clk) begin
        assume ({1'b0, sq_base} + (65'h40 << ring_log[7:0]) <= 65'h1_0000_0000_0000_0000);
        assume ({1'b0, cq_base} + (65'h10 << ring_log[15:8]) <= 65'h1_0000_0000_0000_0000);
        if (f_off) assume (f_waiting <= f_sq_size && f_unread <= f_cq_size);
        if (f_past && !$past(rst)) begin
            if ($past(enable || !f_off)) assume ($stable(ring_log) && $stable(sq_base) && $stable(cq_base));
            if ($past(cq_tail != 0)) assume ($stable(ring_log[15:8]));
            assume (sq_tail - $past(sq_tail) <= $past(f_sq_size) - $past(f_waiting));
            assume (cq_head - $past(cq_head) <= $past(f_unread));
        end else assume (sq_tail == 0 && cq_head == 0);
    end

    // One slot of the completion ring, any: the phase that was last written there.
    (* anyconst *) wire [11:0] f_slot;
    wire [15:0] f_index = cq_tail & (f_cq_size - 1);
    reg f_last = 0;
    always @(posedge clk) if (rst) f_last <= 0; else if (advance && f_index == f_slot) f_last <= phase;

    always @(posedge clk) begin
        // The head never passes the tail; completions never overrun what the host has not read.
        if (!f_fault) assert (f_waiting <= f_sq_size && f_unread <= f_cq_size);
        if (go) assert (f_waiting != 0);
        if (advance) assert (f_unread < f_cq_size);
        // With such a host the rings never call an overflow.
        assert (fault_code != 32'h11);
        // A completion for each descriptor, in order: the counts differ by the job under way.
        if (!f_fault) assert (sq_head == cq_tail + f_job);
        // The phase: 1 in a slot's first pass, then the opposite of what lies there.
        if (advance && f_index == f_slot) assert (phase == !f_last);
        // Addresses lie in their rings, and stay while they are offered.
        if (fetch) assert (fetch_address >= sq_base && fetch_address + 64 <= sq_base + (65'h40 << ring_log[7:0]));
        if (offer) assert (offer_address >= cq_base
            && offer_address + {61'h0, slot, 4'h0} + 16 <= cq_base + (65'h10 << ring_log[15:8]));
        if (f_past && !$past(rst)) begin
            if ($past(fetch && !read_taken)) assert (fetch && $stable(fetch_address));
            if ($past(offer)) assert ((offer || send) && $stable(offer_address) && $stable(slot) && $stable(phase));
            if ($past(send)) assert ($stable(slot) && $stable(phase));
        end
        // Invariants.
        if (!f_past || $past(rst)) assert (f_off && sq_head == 0 && cq_tail == 0 && !f_last);
        assert (f_state <= 10);
        if (cq_tail == 0 || f_slot >= f_cq_size) assert (!f_last);
        if (f_state == 3 || f_state == 4) assert (f_waiting != 0);
        if (f_state >= 3 && f_state <= 9) assert (f_unread < f_cq_size);
        if (f_on) assert (ring_log[7:0] >= 1 && ring_log[7:0] <= 12 && ring_log[15:8] >= 1 && ring_log[15:8] <= 12);
        if (f_on || cq_tail != 0) assert (ring_log[15:8] >= 1 && ring_log[15:8] <= 12);
        assert (f_slot >= f_cq_size || f_last == (f_index > f_slot ? phase : !phase));
    end

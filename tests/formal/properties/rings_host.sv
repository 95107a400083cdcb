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
        if (f_off) assume (f_waiting <= f_sq_size && f_unread <= f_cq_size);
        if (f_past && !$past(rst)) begin
            if ($past(enable || !f_off)) assume ($stable(ring_log) && $stable(sq_base) && $stable(cq_base));
            if ($past(cq_tail != 0)) assume ($stable(ring_log[15:8]));
            assume (sq_tail - $past(sq_tail) <= $past(f_sq_size) - $past(f_waiting));
            assume (cq_head - $past(cq_head) <= $past(f_unread));
        end else assume (sq_tail == 0 && cq_head == 0);
        // Invariants: the states that have a register of their own.
        assert (f_receiving == (f_state == 4) && f_sending == (f_state == 7));
        // What was found a cycle before.
        if (!f_off) assert ({{sq_entries}} == f_sq_size && {{sq_mask}} == f_sq_size - 16'h1);
        if (!f_off || cq_tail != 0) assert ({{cq_entries}} == f_cq_size && {{cq_mask}} == f_cq_size - 16'h1);
        if (f_state == 1) assert ({{bad_ring}} == (ring_log[7:0] == 0 || ring_log[7:0] > 12 || ring_log[15:8] == 0
            || ring_log[15:8] > 12 || sq_base[11:0] != 0 || cq_base[11:0] != 0));
        // Invariants: where it begins, no state beyond the eleven, sizes that were judged.
        if (!f_past || $past(rst)) assert (f_off && sq_head == 0 && cq_tail == 0);
        assert (f_state <= 10);
        if (f_on) assert (ring_log[7:0] >= 1 && ring_log[7:0] <= 12);
        if (f_on || cq_tail != 0) assert (ring_log[15:8] >= 1 && ring_log[15:8] <= 12);
    end

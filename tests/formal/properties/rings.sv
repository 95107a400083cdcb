    // Counts.
    always @(posedge clk) begin
        // The head never passes the tail; completions never overrun what the host has not read.
        if (!f_fault) assert (f_waiting <= f_sq_size && f_unread <= f_cq_size);
        if (go) assert (f_waiting != 0);
        if (advance) assert (f_unread < f_cq_size);
        // With such a host the rings never call an overflow.
        assert (fault_code != 32'h11);
        // A completion for each descriptor, in order: the counts differ by the job under way.
        if (!f_fault) assert (sq_head == cq_tail + f_job);
        // Invariants.
        if (f_state == 3 || f_state == 4) assert (f_waiting != 0);
        if (f_state >= 3 && f_state <= 9) assert (f_unread < f_cq_size);
    end

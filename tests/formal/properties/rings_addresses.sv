    // Addresses lie in their rings, and stay while they are offered.
    always @(posedge clk) begin
        assume ({1'b0, sq_base} + (65'h40 << ring_log[7:0]) <= 65'h1_0000_0000_0000_0000);
        assume ({1'b0, cq_base} + (65'h10 << ring_log[15:8]) <= 65'h1_0000_0000_0000_0000);
        if (fetch) assert (fetch_address >= sq_base && fetch_address + 64 <= sq_base + (65'h40 << ring_log[7:0]));
        if (offer) assert (offer_address >= cq_base
            && offer_address + {61'h0, slot, 4'h0} + 16 <= cq_base + (65'h10 << ring_log[15:8]));
        // The slot's own place: nothing is fetched or written elsewhere.
        if (f_state >= 2 && f_state <= 9 && f_state != 5) assert (fetch_address == {1'b0, sq_base} + {43'h0, sq_head & (f_sq_size - 16'h1), 6'h0});
        if (f_state >= 3 && f_state <= 9) assert (offer_address + {61'h0, slot, 4'h0}
            == {1'b0, cq_base} + {45'h0, cq_tail & (f_cq_size - 16'h1), 4'h0});
        if (f_past && !$past(rst)) begin
            if ($past(fetch && !read_taken)) assert (fetch && $stable(fetch_address));
            if ($past(offer && !write_taken)) assert (offer && $stable(offer_address) && $stable(slot));
        end
    end

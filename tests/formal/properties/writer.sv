    // The write side: data only for bursts that were taken, as many beats as promised, payload stable, counters within
    // their ends. The source holds what it offers; stop is held until all is quiet.
    always @(posedge clk) if (f_past && !$past(rst)) begin
        if ($past(in_valid && !in_ready)) assume (in_valid && $stable(in_data) && $stable(in_keep));
        if ($past(stop && !idle)) assume (stop);
    end
    // Bursts whose last beat was taken and that have no response; a response comes only for those.
    reg [7:0] f_done = 0;
    always @(posedge clk) f_done <= rst ? 0 : f_done + (m_wvalid && m_wready && m_wlast) - m_bvalid;
    always @(posedge clk) assume (!m_bvalid || f_done != 0);
    // Beats still to come of the burst whose data moves, counted on the bus.
    always @(posedge clk) begin
        // No promise is lost.
        assert (!(f_queue_push && !f_queue_ready));
        // Bursts without a response: each is waiting for its data, moving it, or waiting for the response. So there is
        // never data without its address, and never a response too many.
        assert ({{outstanding_bursts}} == f_done + f_queue_promised + ({{next_full}} && !{{next_drop}}) + ({{active}} && !{{drop}}));
        assert ({{outstanding_bursts}} <= 64);
        if (f_past && !$past(rst) && $past(m_wvalid && !m_wready))
            assert (m_wvalid && $stable(m_wdata) && $stable(m_wstrb) && $stable(m_wlast));
        // The last beat is marked, and nothing else; no beat goes without a burst.
        if (m_wvalid) assert ({{active}} && m_wlast == ({{beats_left}} == 1));
        if ({{active}}) assert ({{beats_left}} >= 1 && {{beats_left}} <= 64);
        if (f_past && !$past(rst) && $past(m_wvalid && m_wready && !m_wlast))
            assert ({{active}} && {{beats_left}} == $past({{beats_left}}) - 1);
        assert (!idle || (f_done == 0 && f_queue_empty && !{{next_full}} && !{{active}} && {{outstanding_bursts}} == 0));
        // Invariants.
        if ({{next_full}}) assert ({{next_beats}} >= 1 && {{next_beats}} <= 64);
        assert (f_done <= 64);
        if ({{stopping}} && {{active}}) assert (stop);
        if (f_issue) assert ({{outstanding_bursts}} <= 63 && f_queue_ready);
    end

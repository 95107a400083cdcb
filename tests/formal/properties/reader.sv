    // The read side: nothing is asked for that has no room, no counter passes its ends, nothing is lost.
    // Beats that the memory owes, seen from the bus. It sends none that it does not owe.
    reg [15:0] f_owed = 0;
    always @(posedge clk) f_owed <= rst ? 0 : f_owed + (m_arvalid && m_arready ? m_arlen + 1 : 0) - m_rvalid;
    always @(posedge clk) assume (!m_rvalid || f_owed != 0);
    always @(posedge clk) begin
        // Every beat finds room: m_rready may always be high.
        assert (!(f_fifo_push && !f_fifo_ready));
        assert ({{arrived}} == f_fifo_push);
        if (f_past && !$past(rst) && $past(m_rvalid)) assert (f_fifo_push);
        // Neither counter passes its ends.
        assert ({{outstanding_beats}} == f_owed);
        assert ({{outstanding_beats}} <= {{reserved_beats}});
        assert ({{reserved_beats}} <= 512);
        assert (!idle || f_owed == 0);
        assert (!empty || f_fifo_free == 512);
        // Invariants.
        assert ({{reserved_beats}} == f_owed + f_fifo_push + 512 - f_fifo_free);
        if (f_issue) assert ({{reserved_beats}} + {{burst}} <= 512);
    end

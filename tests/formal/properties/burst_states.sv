    // The burst machine that reader and writer share: its states, and that each means what it says.
    reg f_past = 0;
    always @(posedge clk) f_past <= 1;
    wire f_wait = f_state == 2, f_issue = f_state == 3, f_fill = f_state == 4;
    always @(posedge clk) begin
        // A segment ends when nothing of it is left, or because of stop.
        if (f_past && !$past(rst) && f_state == 0 && $past(f_state != 0 && !stop)) assert ({{left}} == 0);
        // Invariants.
        if (!f_past || $past(rst)) assert (f_state == 0);
        assert (f_state <= 4);
        if (f_wait || f_issue || f_fill) assert ({{left}} != 0);
    end

    // The burst machine that reader and writer share: its states, and that each means what it says.
    reg f_past = 0;
    always @(posedge clk) f_past <= 1;
    wire f_plan = f_state == 1, f_wait = f_state == 2, f_issue = f_state == 3, f_fill = f_state == 4;
    // The next burst of what is left, and whether it is the last one (of a refused segment too, but for @FILL@, which
    // is what a step of one stands for, or 0 if that is a burst).
    wire [6:0] f_boundary = 7'd64 - {1'b0, {{address}}[11:6]};
    wire f_fits = {{left}} <= {25'h0, f_boundary};
    wire f_steps = f_fill && @FILL@ != 0;
    always @(posedge clk) begin
        // A segment ends when nothing of it is left, or because of stop.
        if (f_past && !$past(rst) && f_state == 0 && $past(f_state != 0 && !stop)) assert ({{left}} == 0);
        // Invariants.
        if (!f_past || $past(rst)) assert (f_state == 0 && !{{ahead_full}} && !{{judged}});
        assert (f_state <= 4);
        if (f_state != 0) assert ({{empty}} == ({{left}} == 0));
        if (f_wait || f_issue || f_fill) begin
            assert ({{left}} != 0);
            assert ({{burst}} == (f_steps ? 7'd@FILL@ : f_fits ? {{left}}[6:0] : f_boundary));
            assert ({{last}} == (f_steps ? {{left}} == @FILL@ : f_fits));
        end
        if (f_wait || f_issue) assert (!{{bad}});
        if (f_fill) assert ({{bad}});
    end

    // Its address channel (here @ADDR@, @LEN@, @VALID@, @READY@).
    // The window does not move under a segment (it is a register of the job).
    always @(posedge clk) if (f_past && !$past(rst) && (f_state != 0 || {{ahead_full}} || {{judged}})) assume ($stable(base) && $stable(limit));
    wire [65:0] f_bytes = {53'h0, {5'h0, @LEN@} + 13'h1} << 6;
    wire [65:0] f_end = {1'b0, {{address}}} + ({34'h0, {{left}}} << 6);
    always @(posedge clk) begin
        if (@VALID@) begin
            // A burst has 1 to 64 beats, all in one page of 4 KiB.
            assert (@LEN@ <= 63);
            assert ({2'b00, @ADDR@[11:6]} + @LEN@ <= 63);
            // It lies in the window, unless the segment says that it may lie anywhere, and never wraps.
            assert ({2'b00, @ADDR@} + f_bytes <= 66'h1_0000_0000_0000_0000);
            if (!{{unchecked}}) assert ({2'b00, @ADDR@} >= base && {2'b00, @ADDR@} + f_bytes <= limit);
        end
        // An address that is offered stays as it is until it is taken.
        if (f_past && !$past(rst) && $past(@VALID@ && !@READY@))
            assert (@VALID@ && $stable(@ADDR@) && $stable(@LEN@));
        // The next segment begins no earlier than with a segment's last burst.
        if ({{load}} && f_state != 0) assert (@VALID@ && @READY@ && !stop && {{left}} == @LEN@ + 1);
        // Invariants. Whether a segment is bad was found for what is left of it too.
        if (f_plan && !{{bad}} || f_wait || f_issue) begin
            assert (f_end < 66'h1_0000_0000_0000_0000);
            assert ({{unchecked}} || ({{address}} >= base && f_end <= limit));
        end
        if ({{judged}}) begin
            assert ({{judged_end}} == (f_judged[63:0] | {f_judged_over, 64'h0}));
            assert ({{judged_before}} == ({{judged_address}} < base));
        end
    end
    wire [64:0] f_judged = {1'b0, {{judged_address}}[63:0]} + ({33'h0, {{judged_beats}}} << 6);
    wire f_judged_over = {{judged_address}}[64] || f_judged[64];

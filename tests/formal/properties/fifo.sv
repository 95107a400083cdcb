    // Properties of a FIFO, for every input and any reset on the way. Everything is judged at the ports; what stands
    // under "invariants" only helps the induction.
    reg f_past = 0;
    always @(posedge clk) f_past <= 1;
    wire f_push = in_valid && in_ready;
    wire f_pop = out_valid && out_ready;
    reg [@BITS@:0] f_inside = 0;
    always @(posedge clk) f_inside <= rst ? 0 : f_inside + f_push - f_pop;

    // One word, picked by the solver as it enters: how many are ahead of it, what it is, where it lies.
    (* anyseq *) wire f_pick;
    reg f_watched = 0;
    reg [@BITS@:0] f_ahead;
    reg [@BITS@-1:0] f_place;
    reg [@WIDTH@-1:0] f_word;
    always @(posedge clk) begin
        if (rst) f_watched <= 0;
        else if (!f_watched) begin
            f_watched <= f_push && f_pick;
            f_ahead <= f_inside - f_pop;
            f_place <= {{write}};
            f_word <= in_data;
        end else if (f_pop) begin
            f_watched <= f_ahead != 0;
            f_ahead <= f_ahead - 1;
        end
    end

    always @(posedge clk) begin
        // Count: never more than it holds, and all that is said about it is true.
        assert (f_inside <= @DEPTH@);
        assert (free == @DEPTH@ - f_inside);
        assert (in_ready == (f_inside != @DEPTH@));
        assert (empty == (f_inside == 0));
        assert (!out_valid || f_inside != 0);
        // Order and content: the picked word leaves after those ahead of it, unchanged.
        if (f_watched && f_ahead == 0 && out_valid) assert (out_data == f_word);
        if (f_watched) assert (f_ahead < f_inside);
        if (f_past && !$past(rst)) begin
            // Handshake: what is offered stays until it is taken.
            if ($past(out_valid && !out_ready)) assert (out_valid && out_data == $past(out_data));
            // Nothing gets stuck.
            if ($past(f_inside != 0 && !f_pop)) assert (out_valid);
        end
        // Invariants.
        assert ({{count}} == f_inside);
        assert ({{write}} - {{read}} == {{count}}[@BITS@-1:0]);
        assert ({{after}} == (({{read}} + 1) & (@DEPTH@ - 1)));
        if (out_valid) assert ({{ram}} == {{ram}}_memory[{{read}}]);
        if (f_watched) assert ({{ram}}_memory[f_place] == f_word);
        if (f_watched) assert (f_place == (({{read}} + f_ahead) & (@DEPTH@ - 1)));
    end

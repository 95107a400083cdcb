    // The Poseidon dispatcher with @UNITS@ units and at most @DEPTH@ states inside. Its surroundings: units take no
    // more than they hold, and a result comes at the earliest two cycles after its state was sent (a permutation takes
    // hundreds).
    reg [@BITS@:0] f_inside = 0, f_old = 0;
    always @(posedge clk) begin
        f_inside <= rst ? 0 : f_inside + fire - collect;
        f_old <= rst ? 0 : f_inside - collect;
        assume (!collect || f_old != 0);
        assume (f_inside < @DEPTH@ || ready == 0);
    end

    // One state, picked by the solver: where it was sent, how many are ahead of it, where its entry lies.
    (* anyseq *) wire f_pick;
    reg f_watched = 0;
    reg [@BITS@:0] f_ahead;
    reg [@BITS@-1:0] f_place;
    reg [1:0] f_unit;
    always @(posedge clk) begin
        if (rst) f_watched <= 0;
        else if (!f_watched) begin
            f_watched <= fire && f_pick;
            f_ahead <= f_inside - collect;
            f_place <= {{order_write}};
            f_unit <= target;
        end else if (collect) begin
            f_watched <= f_ahead != 0;
            f_ahead <= f_ahead - 1;
        end
    end

    // A unit that stays ready, any: how many states went past it.
    (* anyconst *) wire [1:0] f_patient;
    always @(posedge clk) assume (f_patient < @UNITS@);
    reg [1:0] f_passed = 0;
    always @(posedge clk)
        if (rst || !ready[f_patient] || (fire && target == f_patient)) f_passed <= 0;
        else if (fire) f_passed <= f_passed + 1;
    wire [2:0] f_distance = f_patient >= {{turn}} ? f_patient - {{turn}} : f_patient + @UNITS@ - {{turn}};

    always @(posedge clk) begin
        // Arbiter: a state goes to a ready unit, to the one whose turn it is if that is ready, and whenever any is.
        assert (fire == (enter && ready != 0));
        if (fire) assert (target < @UNITS@ && ready[target]);
        if (fire && ready[{{turn}}]) assert (target == {{turn}});
        // No ready unit is passed over by all the others twice.
        assert (f_passed < @UNITS@);
        // Order: the picked state's result is taken from the unit that it was sent to.
        if (f_watched && f_ahead == 0 && collect) assert (source == f_unit);
        if (f_watched) assert (f_ahead < f_inside);
        // Invariants.
        assert (f_inside <= @DEPTH@ && f_old <= f_inside && {{turn}} < @UNITS@);
        assert (f_passed + f_distance < @UNITS@);
        assert ((({{order_write}} - {{order_read}}) & (@DEPTH@ - 1)) == (f_inside & (@DEPTH@ - 1)));
        if (f_old != 0) assert ({{ram}} == {{ram}}_memory[{{order_read}}]);
        if (f_watched) assert ({{ram}}_memory[f_place] == f_unit);
        if (f_watched) assert (f_place == (({{order_read}} + f_ahead) & (@DEPTH@ - 1)));
    end

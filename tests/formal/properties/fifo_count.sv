    // Of the FIFO, what the reader's counters rest on; the rest is proved by itself (fifo.sv).
    always @(posedge clk) begin
        assert ({{count}} <= @DEPTH@);
        assert (!out_valid || {{count}} != 0);
    end

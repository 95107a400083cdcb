    // AXI4-Lite: the slave keeps the rules towards any master that keeps them.
    reg f_past = 0;
    always @(posedge clk) f_past <= 1;
    // The master: what it offers stays until it is taken.
    always @(posedge clk) if (f_past && !$past(rst)) begin
        if ($past(s_awvalid && !s_awready)) assume (s_awvalid && $stable(s_awaddr));
        if ($past(s_wvalid && !s_wready)) assume (s_wvalid && $stable(s_wdata) && $stable(s_wstrb));
        if ($past(s_arvalid && !s_arready)) assume (s_arvalid && $stable(s_araddr));
    end

    // Cycles before this one that had its address.
    wire f_finds = f_state == 1 || f_state == 4;
    reg [15:0] f_address;
    reg [2:0] f_count = 0;
    wire [2:0] f_seen = address == f_address ? f_count : 0;
    always @(posedge clk) begin
        f_address <= address;
        f_count <= rst ? 0 : f_seen == 7 ? 7 : f_seen + 1;
    end

    // Accesses that were taken and not answered, and the answers they must get.
    reg f_write = 0, f_read = 0, f_known;
    reg [31:0] f_data;
    always @(posedge clk) begin
        f_write <= !rst && ((s_awvalid && s_awready) || (f_write && !(s_bvalid && s_bready)));
        f_read <= !rst && ((s_arvalid && s_arready) || (f_read && !(s_rvalid && s_rready)));
        if (s_awready || s_arready) f_known <= known;
        if (s_arready) f_data <= read_data;
    end

    always @(posedge clk) begin
        // Address and data are taken together, never without being offered, one access at a time.
        assert (s_awready == s_wready);
        if (f_past && !$past(rst)) begin
            assert (!s_awready || (s_awvalid && s_wvalid));
            assert (!s_arready || s_arvalid);
        end
        assert (!(s_awready && s_arready));
        assert (!(s_awready || s_arready) || !(f_write || f_read));
        // The register file sees each access once, at its address.
        assert (write == s_awready);
        assert (!write || (address == s_awaddr && data == s_wdata && strobe == s_wstrb));
        assert (!s_arready || address == s_araddr);
        // One answer for each access, the right one.
        assert (s_bvalid == f_write && s_rvalid == f_read);
        assert (!s_bvalid || s_bresp == (f_known ? 2'b00 : 2'b10));
        assert (!s_rvalid || (s_rresp == (f_known ? 2'b00 : 2'b10) && s_rdata == f_data));
        if (f_past && !$past(rst)) begin
            if ($past(s_bvalid && !s_bready)) assert (s_bvalid && $stable(s_bresp));
            if ($past(s_rvalid && !s_rready)) assert (s_rvalid && $stable(s_rdata) && $stable(s_rresp));
            // A complete write waits for nothing but the answer before it, and @FINDS@ cycles for its register; so does a
            // read.
            if ($past(s_awvalid && s_wvalid && f_state == 0)) assert (f_state == 1);
            if ($past(s_arvalid && f_state == 0) && !$past(s_awvalid && s_wvalid)) assert (f_state == 4);
            if ($past(f_finds)) assert ($past({{finds}}) == @FINDS@ - 1 ? s_awready || s_arready
                : f_finds && {{finds}} == $past({{finds}}) + 1);
            // The clock may stop only when nothing is under way.
            if (f_write || f_read) assert (busy);
        end
        // When the register file acts it has seen the access's address for @FINDS@ cycles.
        if (s_awready || s_arready) assert (f_seen >= @FINDS@);
        // Invariants: where it begins, and no state beyond the seven.
        if (f_state == 1) assert (s_awvalid && s_wvalid);
        if (f_state == 4) assert (s_arvalid);
        assert (f_finds ? f_seen >= {{finds}} : {{finds}} == 0);
        if (!f_past || $past(rst)) assert (f_state == 0 && !f_write && !f_read);
        assert (f_state <= 6);
    end

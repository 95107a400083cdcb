    // AXI4-Lite: the slave keeps the rules towards any master that keeps them.
    reg f_past = 0;
    always @(posedge clk) f_past <= 1;
    // The master: what it offers stays until it is taken.
    always @(posedge clk) if (f_past && !$past(rst)) begin
        if ($past(s_awvalid && !s_awready)) assume (s_awvalid && $stable(s_awaddr));
        if ($past(s_wvalid && !s_wready)) assume (s_wvalid && $stable(s_wdata) && $stable(s_wstrb));
        if ($past(s_arvalid && !s_arready)) assume (s_arvalid && $stable(s_araddr));
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
            // A complete write waits for nothing but the answer before it.
            if ($past(s_awvalid && s_wvalid && f_state == 0)) assert (s_awready);
            // The clock may stop only when nothing is under way.
            if (f_write || f_read) assert (busy);
        end
        // Invariants: where it begins, and no state beyond the five.
        if (!f_past || $past(rst)) assert (f_state == 0 && !f_write && !f_read);
        assert (f_state <= 4);
    end

    // What the writer's queue holds: promises of 1 to 64 beats; those without bit 7 are bursts on the bus.
    genvar f_i;
    wire [15:0] f_real;
    generate for (f_i = 0; f_i < 16; f_i = f_i + 1) begin : f_slot
        wire [3:0] distance = f_i - {{read}};
        wire inside = {1'b0, distance} < {{count}};
        wire [7:0] promise = {{ram}}_memory[f_i];
        assign f_real[f_i] = inside && !promise[7];
        always @(posedge clk) if (inside) assert (promise[6:0] >= 1 && promise[6:0] <= 64);
    end endgenerate
    wire [4:0] f_promised = f_real[0] + f_real[1] + f_real[2] + f_real[3] + f_real[4] + f_real[5] + f_real[6] + f_real[7] + f_real[8] + f_real[9] + f_real[10] + f_real[11] + f_real[12] + f_real[13] + f_real[14] + f_real[15];

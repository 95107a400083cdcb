// Xilinx DSP48E2 as used here: P = A·B + Z, where Z is 0 or PCIN >> 17, A from the fabric or the cell below, and one
// register each at A, B, the product and P. Anything else stops the simulation.
`ifndef SYNTHESIS
// Ports that must be tied to one value are not looked at; the multiplier takes 27 bits of A.
/* verilator lint_off UNUSEDSIGNAL */
module DSP48E2 (
    input wire CLK,
    input wire [29:0] A, ACIN,
    input wire [17:0] B,
    input wire [47:0] C,
    input wire [26:0] D,
    input wire [47:0] PCIN,
    input wire [8:0] OPMODE,
    input wire [3:0] ALUMODE,
    input wire [4:0] INMODE,
    input wire [2:0] CARRYINSEL,
    input wire CARRYIN,
    input wire CEA1, CEA2, CEB1, CEB2, CEC, CED, CEAD, CEM, CEP, CECTRL, CEALUMODE, CEINMODE, CECARRYIN,
    input wire RSTA, RSTB, RSTC, RSTD, RSTM, RSTP, RSTCTRL, RSTALUMODE, RSTINMODE, RSTALLCARRYIN,
    output wire [29:0] ACOUT,
    output reg [47:0] P,
    output wire [47:0] PCOUT
);
    // As long as its longer value.
    parameter [55:0] A_INPUT = "DIRECT";
    parameter AREG = 1;
    parameter ACASCREG = 1;
    parameter BREG = 1;
    parameter BCASCREG = 1;
    parameter MREG = 1;
    parameter PREG = 1;
    parameter OPMODEREG = 1;
    parameter ALUMODEREG = 1;
    parameter INMODEREG = 1;
    parameter CARRYINREG = 1;
    parameter CARRYINSELREG = 1;

    initial begin
        if (AREG != 1 || ACASCREG != 1 || BREG != 1 || BCASCREG != 1 || MREG != 1 || PREG != 1) $stop;
        if (OPMODEREG + ALUMODEREG + INMODEREG + CARRYINREG + CARRYINSELREG != 0) $stop;
    end

    localparam CASCADE = A_INPUT == "CASCADE";
    reg [29:0] a;
    reg signed [17:0] b;
    reg signed [44:0] m;
    wire signed [26:0] factor = a[26:0];
    wire signed [47:0] product = {{3{m[44]}}, m};
    wire [47:0] z = OPMODE[6:4] == 3'b101 ? {{17{PCIN[47]}}, PCIN[47:17]} : 48'b0;
    always @(posedge CLK) begin
        if (OPMODE[3:0] != 4'b0101 || (OPMODE[6:4] != 3'b101 && OPMODE[6:4] != 3'b000)) $stop;
        if (ALUMODE != 0 || INMODE != 0 || CARRYINSEL != 0 || CARRYIN || !(CEA2 && CEB2 && CEM && CEP)) $stop;
        if (RSTA || RSTB || RSTM || RSTP) $stop;
        a <= CASCADE ? ACIN : A;
        b <= B;
        m <= factor * b;
        P <= product + z;
    end
    assign ACOUT = a;
    assign PCOUT = P;
endmodule
/* verilator lint_on UNUSEDSIGNAL */
`endif

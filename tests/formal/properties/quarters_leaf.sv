// A multiplier leaf that gives any coefficients.
module mul_leaf (
    input clk, input rst, input [63:0] a, input [63:0] b,
    output [34:0] c0, output [33:0] c1, output [34:0] c2, output [34:0] c3
);
    (* anyseq *) wire [34:0] f_c0;
    (* anyseq *) wire [33:0] f_c1;
    (* anyseq *) wire [34:0] f_c2;
    (* anyseq *) wire [34:0] f_c3;
    assign {c0, c1, c2, c3} = {f_c0, f_c1, f_c2, f_c3};
endmodule

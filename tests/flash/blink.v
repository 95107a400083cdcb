// A counter that walks through a block memory to the board's LEDs: small, but with everything that an image has, block
// memory contents among it.
module blink(input clk, output [3:0] led);
    reg [33:0] count = 0;
    reg [8:0] memory[0:2047];
    reg [8:0] word;
    integer i;
    initial for (i = 0; i < 2048; i = i + 1) memory[i] = (i * 37) ^ (i >> 3);
    always @(posedge clk) begin
        count <= count + 1;
        word <= memory[count[33:23]];
    end
    assign led = word[3:0];
endmodule

//! Build-time: finds Verilator, turns Verilog into a linked model.

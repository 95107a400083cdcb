//! The Verilated accelerator as a PCI function.

//! QEMU's `edu` device: somebody else's, to try our VFIO code on.

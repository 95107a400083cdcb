//! Memory mappings, event file descriptors and device memory for user-space PCIe drivers: every line of unsafe of the driver.

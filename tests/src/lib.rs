//! End-to-end tests of Hotloop.

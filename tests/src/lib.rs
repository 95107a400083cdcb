//! End-to-end tests of Hotloop.

pub mod model;
pub mod served;

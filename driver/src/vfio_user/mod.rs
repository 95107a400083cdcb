//! A PCI function in another process, over a Unix socket: the vfio-user protocol (version 0.0), as QEMU and libvfio-user
//! have it.
//!
//! [`VfioUserFunction`] is the client, [`Server`] gives any function that is [`Served`] to others: simulated boards are.
//! What both sides put on the wire is in [`wire`].

mod client;
mod server;
mod session;
pub mod wire;

pub use client::{VfioUserFunction, ANSWER_TIME};
pub use server::{Served, Server, SharedPart};
pub use session::{Request, Session};

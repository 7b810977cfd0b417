//! What the driver sees of the engine.

pub mod action;
pub mod cause;
pub mod error;
pub mod event;
pub mod reply;
pub mod types;
pub mod view;
pub mod world;

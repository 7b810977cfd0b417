//! Random graphs of units on real daemons, and random requests: what Quintet does is what systemd does ([`differential`]),
//! what was planned ([`plans`]), and what it would have done if nobody had killed its broker ([`kills`]).
//!
//! The commands of all services wait until the test tells them how to go on, so that a sequence of requests and outcomes
//! means the same on every manager, however quick it is.
#![forbid(unsafe_code)]

mod bus;
mod differential;
mod graph;
mod kills;
mod manager;
mod plans;
mod player;
mod snapshot;
mod step;

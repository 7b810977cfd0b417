//! The engine, from outside: scenarios as data (`scenarios/engine/`), and random graphs.

mod large;
mod player;
mod random;
mod scenarios;
mod world;

//! What would follow: the same engine, on a copy that acts on nothing and is thrown away.
//!
//! `plan` tells the transaction of a request, job by job, with what was dropped and why. `simulate` goes on from there:
//! it makes something happen to the copy and answers in the workers' place until nothing follows any more.

mod exit;
mod plan;
mod quiet;
mod simulate;

pub use plan::{Fate, PlannedJob};
pub use simulate::Happening;

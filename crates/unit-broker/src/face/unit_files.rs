//! Methods that work on unit files: enabling, masking, listing.

use super::call::{Answered, Call};
use crate::driver::Broker;

/// Answers a method; `None` when it is none of these.
pub fn handle(_broker: &mut Broker, _call: &Call, _member: &str) -> Option<Answered> {
    None
}

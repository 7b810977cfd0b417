//! `org.quintet.Broker1`: the causal chain of a unit's last changes.

use bus_api::broker::{Request, WhyEntry, why_reply};
use bus_api::errors::{BusError, ErrorName};
use unit_parser::UnitName;

use super::call::{Answer, Answered, Call};
use super::errors;
use crate::driver::Broker;

/// Answers `Why`.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call) -> Answered {
    let Some(Request::Why { unit }) = Request::parse(&call.message)? else {
        return Err(errors::unknown_method(&call.member, &call.interface));
    };
    let name = UnitName::parse(&unit).map_err(|_| errors::invalid_name(&unit))?;
    let chain = broker.model.engine.why(&name);
    let entries: Vec<WhyEntry> = chain
        .iter()
        .map(|entry| WhyEntry {
            realtime_usec: entry.realtime_usec,
            unit: entry.unit.to_string(),
            change: entry.change.clone(),
            cause: entry.cause.clone(),
            source: entry.source.clone(),
            parent: entry
                .parent
                .and_then(|parent| chain.iter().position(|other| other.sequence == parent))
                .and_then(|index| i32::try_from(index).ok())
                .unwrap_or(-1),
        })
        .collect();
    let reply = why_reply(&call.message, &entries);
    reply.map(Answer::Reply).map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))
}

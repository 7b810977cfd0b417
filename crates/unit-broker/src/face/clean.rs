//! `CleanUnit` (systemctl(1), clean): the directories of a unit that is down are removed by its worker.

use bus_api::errors::{BusError, ErrorName};
use bus_api::worker::Request;
use unit_parser::{LoadState, UnitName};

use super::call::{Answered, Call};
use crate::core::{ActiveState, worker};
use crate::driver::Broker;
use crate::properties::unit::cleanable;

/// What there may be to remove; `all` is each of them.
const KINDS: [&str; 6] = ["runtime", "state", "cache", "logs", "configuration", "fdstore"];

/// Answers once the removal has begun; its end shows in the unit's state.
///
/// # Errors
/// What the caller is told.
pub fn clean(broker: &mut Broker, call: &Call, unit: &UnitName, what: &[String]) -> Answered {
    if let Some(unknown) = what.iter().find(|word| *word != "all" && !KINDS.contains(&word.as_str())) {
        return Err(BusError::invalid_args(format!("Invalid resource type: {unknown}")));
    }
    let Some(worker) = worker(unit.unit_type()) else {
        let text = format!("Unit '{unit}' does not support cleaning.");
        return Err(BusError::new(ErrorName::NotSupported, text));
    };
    let nothing = || BusError::new(ErrorName::NothingToClean, "No matching resources found.");
    if what.is_empty() {
        return Err(nothing());
    }
    let Some(view) = broker.model.engine.unit(unit).filter(|view| view.load_state == LoadState::Loaded) else {
        return Err(BusError::new(ErrorName::NoSuchUnit, format!("Unit {unit} not found.")));
    };
    if view.job.is_some() || view.active != ActiveState::Inactive {
        return Err(BusError::new(ErrorName::UnitBusy, "Unit is not inactive or has pending job."));
    }
    let wanted = |kind: &&str| what.iter().any(|word| word == "all" || word == kind);
    let matching: Vec<String> = cleanable(view.definition).into_iter().filter(wanted).map(str::to_owned).collect();
    if matching.is_empty() {
        return Err(nothing());
    }
    let definition = serde_json::to_string(view.definition.as_ref())
        .map_err(|error| BusError::new(ErrorName::Failed, format!("{unit} cannot be sent: {error}")))?;
    let request = Request::Clean { unit: unit.to_string(), definition, what: matching };
    broker.ask_worker(worker, &request, call, |call, _| call.reply(&()))
}

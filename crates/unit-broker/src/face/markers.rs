//! Markers (org.freedesktop.systemd1(5), "Markers"): notes of package managers that a unit is to be restarted or reloaded,
//! and the jobs that do it for all marked units at once.

use bus_api::errors::{BusError, ErrorName};
use unit_parser::UnitName;
use zbus::{OwnedObjectPath, Variant};

use super::call::{Answered, Call, object_path};
use super::object::job_path;
use super::unit;
use crate::core::Markers;
use crate::driver::Broker;

/// A unit's markers after `Markers` was set to this value.
///
/// # Errors
/// What is wrong with the value.
pub fn of(old: Markers, value: &Variant<'_>) -> Result<Markers, BusError> {
    let wrong = || BusError::invalid_args("Markers are words.");
    let Variant::Array(words) = value else { return Err(wrong()) };
    let words = words.iter().map(|word| match word {
        Variant::Str(word) => Some(word.as_str()),
        _ => None,
    });
    changed(old, &words.collect::<Option<Vec<&str>>>().ok_or_else(wrong)?)
}

/// What a list of words makes of a unit's markers: plain ones replace them, `+word` and `-word` change them.
fn changed(old: Markers, words: &[&str]) -> Result<Markers, BusError> {
    let refused = |text: String| BusError::new(ErrorName::BadUnitSetting, text);
    let relative = words.first().is_some_and(|word| word.starts_with(['+', '-']));
    // As in systemd 252, an empty list changes nothing.
    let mut markers = if relative || words.is_empty() { old } else { Markers::default() };
    for word in words {
        if word.starts_with(['+', '-']) != relative {
            return Err(refused("Bad marker syntax.".to_owned()));
        }
        let plain = if relative { &word[1..] } else { word };
        let marker = match plain {
            "needs-reload" => &mut markers.needs_reload,
            "needs-restart" => &mut markers.needs_restart,
            _ => return Err(refused(format!("Unknown marker \"{plain}\"."))),
        };
        *marker = !word.starts_with('-');
    }
    Ok(markers)
}

/// `EnqueueMarkedJobs`. A job that is refused doesn't keep the others from being made.
///
/// # Errors
/// When one was refused.
pub fn enqueue(broker: &mut Broker, call: &Call) -> Answered {
    let engine = &broker.model.engine;
    let views = engine.units().into_iter().filter_map(|name| engine.unit(name));
    let marked: Vec<(UnitName, Markers)> =
        views.filter(|view| view.markers != Markers::default()).map(|view| (view.name.clone(), view.markers)).collect();
    let mut jobs: Vec<OwnedObjectPath> = Vec::new();
    let mut refused = false;
    for (name, markers) in marked {
        let verb = if markers.needs_restart { "try-restart" } else { "reload-or-try-restart" };
        match unit::queue(broker, call, &name, unit::Verb::of_job_type(verb)?, "fail") {
            Ok(queued) => jobs.push(object_path(&job_path(queued.anchor.job))),
            Err(error) => {
                tracing::warn!(unit = %name, error = error.text, "no job for the marked unit");
                refused = true;
            }
        }
    }
    if refused {
        let text = "Failed to enqueue some jobs, see logs for details";
        return Err(BusError::new(ErrorName::Failed, text));
    }
    call.reply(&(jobs,))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_replaced_or_changed() {
        let both = Markers { needs_reload: true, needs_restart: true };
        let reload = Markers { needs_reload: true, needs_restart: false };
        for (old, words, expected) in [
            (both, &["needs-reload"][..], Ok(reload)),
            (reload, &["+needs-restart"], Ok(both)),
            (both, &["-needs-restart", "+needs-reload"], Ok(reload)),
            (both, &[], Ok(both)),
            (reload, &["+needs-reload", "needs-restart"], Err("Bad marker syntax.")),
            (reload, &["bogus"], Err("Unknown marker \"bogus\".")),
            (reload, &["+needs-bogus"], Err("Unknown marker \"needs-bogus\".")),
        ] {
            assert_eq!(changed(old, words).map_err(|error| error.text), expected.map_err(str::to_owned), "{words:?}");
        }
    }
}

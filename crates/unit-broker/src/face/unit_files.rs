//! Methods that work on unit files: enabling, masking, listing (systemctl(1), "Unit File Commands").

use bus_api::errors::BusError;
use unit_parser::install::{Dependency, FileState, Flags, InstallFailure, ListedFile, Outcome, PresetMode};

use super::call::{Answered, Call};
use super::errors;
use crate::driver::Broker;
use crate::glob;

/// A change as it goes over the bus: kind, file, source.
type ChangeRow = (String, String, String);

/// Flags of the methods that take a `t` (`UNIT_FILE_RUNTIME`, `UNIT_FILE_FORCE`, `UNIT_FILE_PORTABLE`).
const RUNTIME: u64 = 1;
const FORCE: u64 = 2;

/// Answers a method; `None` when it is none of these.
pub fn handle(broker: &mut Broker, call: &Call, member: &str) -> Option<Answered> {
    Some(match member {
        "ListUnitFiles" => list(broker, call, &[], &[]),
        "ListUnitFilesByPatterns" => call
            .arguments::<(Vec<String>, Vec<String>)>()
            .and_then(|(states, patterns)| list(broker, call, &states, &patterns)),
        "GetUnitFileState" => call.arguments::<(String,)>().and_then(|(name,)| {
            let state = broker.model.installer().state(&name).map_err(|error| errors::of_install(&error))?;
            call.reply_string(state.as_str())
        }),
        "GetUnitFileLinks" => call.arguments::<(String, bool)>().and_then(|(name, runtime)| {
            let links = broker.model.installer().links(&name, runtime).map_err(|e| failed(&e))?;
            call.reply(&(links,))
        }),
        "GetDefaultTarget" => {
            let target = broker.model.installer().default_target();
            target.map_err(|error| errors::of_install(&error)).and_then(|target| call.reply_string(&target))
        }
        _ => return change(broker, call, member),
    })
}

/// The methods that change something.
fn change(broker: &mut Broker, call: &Call, member: &str) -> Option<Answered> {
    let outcome = match member {
        "EnableUnitFiles" | "ReenableUnitFiles" | "LinkUnitFiles" | "MaskUnitFiles" | "PresetUnitFiles" => {
            call.arguments::<(Vec<String>, bool, bool)>().and_then(|(files, runtime, force)| {
                let flags = Flags { runtime, force };
                let installer = broker.model.installer();
                done(match member {
                    "EnableUnitFiles" => installer.enable(&files, flags),
                    "ReenableUnitFiles" => installer.reenable(&files, flags),
                    "LinkUnitFiles" => installer.link(&files, flags),
                    "MaskUnitFiles" => installer.mask(&files, flags),
                    _ => installer.preset(&files, PresetMode::Full, flags),
                })
            })
        }
        "DisableUnitFiles" | "UnmaskUnitFiles" => {
            call.arguments::<(Vec<String>, bool)>().and_then(|(files, runtime)| {
                let flags = Flags { runtime, force: false };
                let installer = broker.model.installer();
                done(match member {
                    "DisableUnitFiles" => installer.disable(&files, flags),
                    _ => installer.unmask(&files, flags),
                })
            })
        }
        "EnableUnitFilesWithFlags" | "DisableUnitFilesWithFlags" | "DisableUnitFilesWithFlagsAndInstallInfo" => {
            call.arguments::<(Vec<String>, u64)>().and_then(|(files, bits)| {
                if bits & !(RUNTIME | FORCE) != 0 {
                    return Err(BusError::invalid_args("Invalid 'flags' parameter."));
                }
                let flags = Flags { runtime: bits & RUNTIME != 0, force: bits & FORCE != 0 };
                let installer = broker.model.installer();
                done(match member {
                    "EnableUnitFilesWithFlags" => installer.enable(&files, flags),
                    _ => installer.disable(&files, flags),
                })
            })
        }
        "PresetUnitFilesWithMode" => {
            call.arguments::<(Vec<String>, String, bool, bool)>().and_then(|(files, mode, runtime, force)| {
                done(broker.model.installer().preset(&files, preset_mode(&mode)?, Flags { runtime, force }))
            })
        }
        "PresetAllUnitFiles" => call.arguments::<(String, bool, bool)>().and_then(|(mode, runtime, force)| {
            done(broker.model.installer().preset_all(preset_mode(&mode)?, Flags { runtime, force }))
        }),
        "RevertUnitFiles" => {
            call.arguments::<(Vec<String>,)>().and_then(|(files,)| done(broker.model.installer().revert(&files)))
        }
        "SetDefaultTarget" => call
            .arguments::<(String, bool)>()
            .and_then(|(name, force)| done(broker.model.installer().set_default_target(&name, force))),
        "AddDependencyUnitFiles" => call.arguments::<(Vec<String>, String, String, bool, bool)>().and_then(
            |(files, target, kind, runtime, force)| {
                let kind = match kind.as_str() {
                    "Wants" => Dependency::Wants,
                    "Requires" => Dependency::Requires,
                    _ => return Err(BusError::invalid_args("Invalid argument")),
                };
                let flags = Flags { runtime, force };
                done(broker.model.installer().add_dependency(&files, &target, kind, flags))
            },
        ),
        _ => return None,
    };
    Some(outcome.and_then(|outcome| {
        for change in &outcome.changes {
            tracing::info!("{}", change.message());
        }
        broker.unit_files_changed();
        let rows: Vec<ChangeRow> = outcome
            .changes
            .into_iter()
            .map(|change| (change.kind.as_str().to_owned(), change.path, change.source))
            .collect();
        // Methods that can find files without [Install] say so.
        let with_info = matches!(
            member,
            "EnableUnitFiles"
                | "ReenableUnitFiles"
                | "PresetUnitFiles"
                | "PresetUnitFilesWithMode"
                | "EnableUnitFilesWithFlags"
                | "DisableUnitFilesWithFlagsAndInstallInfo"
        );
        if with_info { call.reply(&(outcome.carries_install_info, rows)) } else { call.reply(&(rows,)) }
    }))
}

fn done(result: Result<Outcome, InstallFailure>) -> Result<Outcome, BusError> {
    result.map_err(|failure| failed(&failure))
}

fn failed(failure: &InstallFailure) -> BusError {
    for change in &failure.changes {
        tracing::info!("{}", change.message());
    }
    errors::of_install(&failure.error)
}

fn preset_mode(word: &str) -> Result<PresetMode, BusError> {
    PresetMode::from_word(word).ok_or_else(|| BusError::invalid_args("Invalid argument"))
}

fn list(broker: &Broker, call: &Call, states: &[String], patterns: &[String]) -> Answered {
    let wanted = |file: &ListedFile| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        (states.is_empty() || states.iter().any(|state| FileState::from_word(state) == Some(file.state)))
            && (patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, name)))
    };
    let files = broker.model.installer().list();
    let rows: Vec<(String, String)> =
        files.into_iter().filter(wanted).map(|file| (file.path, file.state.as_str().to_owned())).collect();
    call.reply(&(rows,))
}

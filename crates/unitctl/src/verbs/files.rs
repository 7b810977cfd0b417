//! Install verbs: the broker changes links on disk and says which; then it is told to reload.

use bus_api::message::arguments;
use unit_parser::install::{Change, ChangeKind};

use super::jobs;
use super::names::{files, unit_name};
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};

/// (type, file, source) of a link that was made or removed.
type Row = (String, String, String);

/// A verb, as people call it and as the manager does.
#[derive(Debug, Clone, Copy)]
pub struct FileVerb {
    word: &'static str,
    method: &'static str,
}

/// enable
pub const ENABLE: FileVerb = FileVerb { word: "enable", method: "EnableUnitFiles" };
/// reenable
pub const REENABLE: FileVerb = FileVerb { word: "reenable", method: "ReenableUnitFiles" };
/// preset
pub const PRESET: FileVerb = FileVerb { word: "preset", method: "PresetUnitFiles" };

/// Enables, reenables or presets unit files.
pub async fn enable(
    manager: &mut Manager,
    options: &OutputArgs,
    units: &[String],
    verb: FileVerb,
) -> Result<u8, ManagerError> {
    let names = files(units)?;
    let reply = match manager.call(verb.method, &(&names, options.runtime, options.force)).await {
        Ok(reply) => reply,
        Err(error) => return Ok(refused(&format!("{} unit", verb.word), &error)),
    };
    let (carries_install_info, changes) =
        arguments::<(bool, Vec<Row>)>(&reply).map_err(|error| ManagerError::Reply(error.text))?;
    if !carries_install_info && !options.quiet && verb.word != PRESET.word {
        eprintln!(
            "The unit files have no installation config (WantedBy=, RequiredBy=, Also=, Alias= settings in the [Install] \
             section, and DefaultInstance= for template units): there is nothing to {}. Such units are pulled in by other \
             units, started by socket, timer or D-Bus activation, or by hand.",
            verb.word
        );
    }
    print(options, &changes);
    manager.call("Reload", &()).await?;
    if options.now { jobs::now(manager, options, jobs::START, &names).await } else { Ok(0) }
}

/// Disables unit files.
pub async fn disable(manager: &mut Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let names = files(units)?;
    let code = change(manager, options, "disable unit", "DisableUnitFiles", &(&names, options.runtime)).await?;
    if code == 0 && options.now { jobs::now(manager, options, jobs::STOP, &names).await } else { Ok(code) }
}

/// Masks units.
pub async fn mask(manager: &mut Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let names = files(units)?;
    let arguments = (&names, options.runtime, options.force);
    let code = change(manager, options, "mask unit", "MaskUnitFiles", &arguments).await?;
    if code == 0 && options.now { jobs::now(manager, options, jobs::STOP, &names).await } else { Ok(code) }
}

/// Removes masks.
pub async fn unmask(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    change(manager, options, "unmask unit", "UnmaskUnitFiles", &(files(units)?, options.runtime)).await
}

/// Links files.
pub async fn link(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let arguments = (files(units)?, options.runtime, options.force);
    change(manager, options, "link unit", "LinkUnitFiles", &arguments).await
}

/// Removes the administrator's changes.
pub async fn revert(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    change(manager, options, "revert unit", "RevertUnitFiles", &(files(units)?,)).await
}

/// Hangs units on another.
pub async fn add(
    manager: &Manager,
    options: &OutputArgs,
    target: &str,
    units: &[String],
    kind: &str,
) -> Result<u8, ManagerError> {
    let target = unit_parser::UnitName::mangle_with(target, unit_parser::UnitType::Target)
        .map_err(|error| ManagerError::Arguments(format!("{target}: {error}")))?;
    let arguments = (files(units)?, target.as_str(), kind, options.runtime, options.force);
    change(manager, options, "add dependency to unit", "AddDependencyUnitFiles", &arguments).await
}

/// 0 when one of the unit files is enabled in some way, else 1.
pub async fn is_enabled(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let mut code = 1;
    for unit in units {
        let name = unit_name(unit)?;
        let state = match manager.ask::<_, String>("GetUnitFileState", &(name.as_str(),)).await {
            Ok(state) => state,
            Err(error) => {
                eprintln!("Failed to get unit file state for {name}: {error}");
                continue;
            }
        };
        if matches!(state.as_str(), "enabled" | "enabled-runtime" | "static" | "alias" | "indirect" | "generated") {
            code = 0;
        }
        if !options.quiet {
            println!("{state}");
        }
    }
    Ok(code)
}

/// Prints the default target.
pub async fn default_target(manager: &Manager) -> Result<u8, ManagerError> {
    let target: String = manager.ask("GetDefaultTarget", &()).await?;
    println!("{target}");
    Ok(0)
}

/// Sets the default target.
pub async fn set_default_target(manager: &Manager, options: &OutputArgs, target: &str) -> Result<u8, ManagerError> {
    let target = unit_parser::UnitName::mangle_with(target, unit_parser::UnitType::Target)
        .map_err(|error| ManagerError::Arguments(format!("{target}: {error}")))?;
    change(manager, options, "set default target", "SetDefaultTarget", &(target.as_str(), true)).await
}

/// Calls a method that answers with changes.
async fn change<B: serde::Serialize + zbus::DynamicType>(
    manager: &Manager,
    options: &OutputArgs,
    word: &str,
    method: &str,
    body: &B,
) -> Result<u8, ManagerError> {
    match manager.ask::<_, Vec<Row>>(method, body).await {
        Ok(changes) => print(options, &changes),
        Err(error) => return Ok(refused(word, &error)),
    }
    manager.call("Reload", &()).await.map(|_| 0)
}

fn refused(word: &str, error: &ManagerError) -> u8 {
    eprintln!("Failed to {word}: {error}");
    1
}

fn print(options: &OutputArgs, changes: &[Row]) {
    if options.quiet {
        return;
    }
    for (kind, path, source) in changes {
        match ChangeKind::from_word(kind) {
            Some(kind) => eprintln!("{}", Change { kind, path: path.clone(), source: source.clone() }.message()),
            None => eprintln!("{path}: {kind} {source}"),
        }
    }
}

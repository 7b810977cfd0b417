//! Methods of the manager.

use bus_api::errors::{BusError, ErrorName};
use daemon_runtime::dynamic_users::DynamicUsers;
use unit_parser::UnitName;
use zbus::{OwnedObjectPath, OwnedVariant};

use super::call::{Answered, Call, object_path};
use super::unit::Verb;
use super::{clean, dispatch, errors, job, markers, power, processes, set_properties, unit, unit_files};
use crate::core::{Event, UnitView};
use crate::driver::Broker;
use crate::glob;

/// A row of `ListUnits`: name, description, load state, active state, sub state, following, path, job id, type, path.
type UnitRow = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// Answers a method.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call, member: &str) -> Answered {
    if let Some(verb) = Verb::of_method(member).filter(|_| member.ends_with("Unit")) {
        let (name, mode): (String, String) = call.arguments()?;
        let unit = unit::load(broker, &name)?;
        return unit::enqueue(broker, call, &unit, verb, &mode);
    }
    match member {
        "GetUnit" => {
            let name = one_string(call)?;
            let unit = unit::loaded(broker, call, &name)?;
            call.reply_path(&unit.bus_path())
        }
        "LoadUnit" => {
            let name = one_string(call)?;
            let unit = unit::load(broker, &name)?;
            call.reply_path(&unit.bus_path())
        }
        "GetUnitByPID" => {
            let (pid,): (u32,) = call.arguments()?;
            let pid = if pid == 0 { call.caller.pid } else { pid };
            call.reply_path(&processes::unit_of_pid(broker, pid)?.bus_path())
        }
        "GetUnitByInvocationID" => {
            let (id,): (Vec<u8>,) = call.arguments()?;
            // None at all means the caller's own unit.
            if id.is_empty() {
                return call.reply_path(&processes::unit_of_pid(broker, call.caller.pid)?.bus_path());
            }
            if id.len() != 16 {
                return Err(BusError::invalid_args("Invalid invocation ID"));
            }
            let text: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            let unit = dispatch::by_invocation_id(broker, &text).ok_or_else(|| {
                BusError::new(
                    ErrorName::NoUnitForInvocationId,
                    format!("No unit with the specified invocation ID {text} known."),
                )
            })?;
            call.reply_path(&unit.bus_path())
        }
        "GetUnitByControlGroup" => {
            let path = one_string(call)?;
            let unit = processes::by_cgroup_path(broker, &path).ok_or_else(|| {
                BusError::new(
                    ErrorName::NoSuchUnit,
                    format!("Control group '{path}' is not valid or not managed by this instance"),
                )
            })?;
            call.reply_path(&unit.bus_path())
        }
        "StartUnitWithFlags" => {
            let (name, mode, flags): (String, String, u64) = call.arguments()?;
            if flags != 0 {
                return Err(BusError::invalid_args("Invalid 'flags' parameter."));
            }
            let unit = unit::load(broker, &name)?;
            start(broker, call, &unit, &mode)
        }
        "StartUnitReplace" => {
            let (old, new, mode): (String, String, String) = call.arguments()?;
            let old = unit::loaded(broker, call, &old)?;
            let starting = broker.model.engine.unit(&old).and_then(|view| view.job).is_some();
            if !starting {
                return Err(BusError::new(ErrorName::JobFailed, format!("No job queued for unit {old}")));
            }
            let unit = unit::load(broker, &new)?;
            start(broker, call, &unit, &mode)
        }
        "EnqueueUnitJob" => {
            let (name, job_type, mode): (String, String, String) = call.arguments()?;
            let unit = unit::load(broker, &name)?;
            unit::enqueue_any(broker, call, &unit, &job_type, &mode)
        }
        "EnqueueMarkedJobs" => markers::enqueue(broker, call),
        "SetUnitProperties" => {
            let (name, runtime, properties): (String, bool, Vec<(String, OwnedVariant)>) = call.arguments()?;
            let unit = unit::usable(broker, &name)?;
            set_properties::handle(broker, call, &unit, runtime, &properties)
        }
        "KillUnit" => {
            let (name, whom, signal): (String, String, i32) = call.arguments()?;
            let unit = match unit::loaded(broker, call, &name) {
                Ok(unit) => unit,
                Err(error) => unit::left_behind(broker, &name).ok_or(error)?,
            };
            unit::kill(broker, call, &unit, whom, signal)
        }
        "ResetFailedUnit" => {
            let name = one_string(call)?;
            let unit = unit::loaded(broker, call, &name)?;
            broker.request(Event::ResetFailed(Some(unit)))?;
            call.reply(&())
        }
        "ResetFailed" => {
            broker.request(Event::ResetFailed(None))?;
            call.reply(&())
        }
        "CleanUnit" => {
            let (name, what): (String, Vec<String>) = call.arguments()?;
            let unit = unit::usable(broker, &name)?;
            clean::clean(broker, call, &unit, &what)
        }
        "FreezeUnit" | "ThawUnit" => {
            let name = one_string(call)?;
            let unit = unit::loaded(broker, call, &name)?;
            processes::freeze(broker, call, &unit, member == "FreezeUnit")
        }
        "RefUnit" | "UnrefUnit" => {
            let name = one_string(call)?;
            // What cannot be used is not worth keeping.
            let unit = if member == "RefUnit" { unit::usable(broker, &name)? } else { unit::load(broker, &name)? };
            unit::handle(broker, call, &unit, member.trim_end_matches("Unit"))
        }
        "BindMountUnit" | "MountImageUnit" => bind_mount(call, 1),
        "GetUnitProcesses" => {
            let name = one_string(call)?;
            let name = if name.is_empty() { "-.slice".to_owned() } else { name };
            let unit = unit::loaded(broker, call, &name)?;
            broker.model.engine.usable(&unit).map_err(|error| errors::of_engine(&error))?;
            processes::of_unit(broker, call, &unit)
        }
        "GetJob" => {
            let (id,): (u32,) = call.arguments()?;
            job::check(broker, id)?;
            call.reply_path(&super::object::job_path(id))
        }
        "GetJobAfter" | "GetJobBefore" => {
            let (id,): (u32,) = call.arguments()?;
            job::check(broker, id)?;
            call.reply(&(job::related(broker, id, member == "GetJobAfter"),))
        }
        "CancelJob" => {
            let (id,): (u32,) = call.arguments()?;
            job::check(broker, id)?;
            broker.request(Event::CancelJob(id))?;
            call.reply(&())
        }
        "ClearJobs" => {
            broker.request(Event::ClearJobs)?;
            call.reply(&())
        }
        "ListJobs" => {
            let rows: Vec<job::JobRow> = broker.model.engine.jobs().iter().map(job::row).collect();
            call.reply(&(rows,))
        }
        "ListUnits" => call.reply(&(rows(broker, &[], &[]),)),
        "ListUnitsFiltered" => {
            let (states,): (Vec<String>,) = call.arguments()?;
            call.reply(&(rows(broker, &states, &[]),))
        }
        "ListUnitsByPatterns" => {
            let (states, patterns): (Vec<String>, Vec<String>) = call.arguments()?;
            call.reply(&(rows(broker, &states, &patterns),))
        }
        "ListUnitsByNames" => {
            let (names,): (Vec<String>,) = call.arguments()?;
            let mut rows = Vec::new();
            for name in names {
                let Ok(unit) = unit::load(broker, &name) else { continue };
                if let Some(view) = broker.model.engine.unit(&unit) {
                    rows.push(row(broker, &view));
                }
            }
            call.reply(&(rows,))
        }
        "Subscribe" | "Unsubscribe" => broker.subscribe(call, member == "Subscribe"),
        "SetEnvironment" => {
            let (assignments,): (Vec<String>,) = call.arguments()?;
            broker.change_environment(&[], &assignments)?;
            call.reply(&())
        }
        "UnsetEnvironment" => {
            let (names,): (Vec<String>,) = call.arguments()?;
            broker.change_environment(&names, &[])?;
            call.reply(&())
        }
        "UnsetAndSetEnvironment" => {
            let (names, assignments): (Vec<String>, Vec<String>) = call.arguments()?;
            broker.change_environment(&names, &assignments)?;
            call.reply(&())
        }
        "Reload" => Ok(broker.reload(call)),
        "Reexecute" => {
            broker.reexecute()?;
            call.reply(&())
        }
        "SetExitCode" => {
            let (code,): (u8,) = call.arguments()?;
            broker.set_exit_code(code);
            call.reply(&())
        }
        "Exit" | "Reboot" | "PowerOff" | "Halt" | "KExec" | "SoftReboot" | "SwitchRoot" => {
            power::handle(broker, call, member)
        }
        "LookupDynamicUserByName" => {
            let name = one_string(call)?;
            let unknown =
                || BusError::new(ErrorName::NoSuchDynamicUser, format!("Dynamic user {name} does not exist."));
            call.reply(&(DynamicUsers::system().find(&name).ok_or_else(unknown)?,))
        }
        "LookupDynamicUserByUID" => {
            let (uid,): (u32,) = call.arguments()?;
            let unknown =
                || BusError::new(ErrorName::NoSuchDynamicUser, format!("Dynamic user ID {uid} does not exist."));
            let found = DynamicUsers::system().list().into_iter().find(|user| user.uid == uid);
            call.reply_string(&found.ok_or_else(unknown)?.name)
        }
        "GetDynamicUsers" => {
            let all: Vec<(u32, String)> =
                DynamicUsers::system().list().into_iter().map(|user| (user.uid, user.name)).collect();
            call.reply(&(all,))
        }
        "Dump" => call.reply_string(&dump(broker, &[])),
        "DumpUnitsMatchingPatterns" => {
            let (patterns,): (Vec<String>,) = call.arguments()?;
            call.reply_string(&dump(broker, &patterns))
        }
        _ => match unit_files::handle(broker, call, member) {
            Some(answered) => answered,
            None => Err(errors::not_supported(member)),
        },
    }
}

fn one_string(call: &Call) -> Result<String, BusError> {
    call.arguments::<(String,)>().map(|(text,)| text)
}

fn start(broker: &mut Broker, call: &Call, unit: &UnitName, mode: &str) -> Answered {
    let verb = Verb::of_method("Start").ok_or_else(|| errors::unknown_method("Start", ""))?;
    unit::enqueue(broker, call, unit, verb, mode)
}

/// `BindMountUnit`, `MountImageUnit` and the unit's methods of that name: checked, then refused. `skip`: the unit's name.
///
/// # Errors
/// Always.
pub fn bind_mount(call: &Call, skip: usize) -> Answered {
    let body = call.message.body();
    let arguments: zbus::Structure<'_> = body.deserialize()?;
    let paths = arguments.fields().iter().skip(skip).take(2).filter_map(|field| match field {
        zbus::Variant::Str(text) => Some(text.as_str()),
        _ => None,
    });
    for path in paths {
        if !path.starts_with('/') && !path.is_empty() {
            return Err(BusError::invalid_args("Source and destination must be absolute paths"));
        }
    }
    Err(errors::not_supported(&call.member))
}

fn rows(broker: &Broker, states: &[String], patterns: &[String]) -> Vec<UnitRow> {
    let engine = &broker.model.engine;
    let mut rows = Vec::new();
    for view in engine.units().into_iter().filter_map(|name| engine.unit(name)) {
        let in_state =
            |state: &String| *state == view.load_state.as_str() || *state == view.sub || *state == view.active.as_str();
        if !states.is_empty() && !states.iter().any(in_state) {
            continue;
        }
        if patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, view.name.as_str())) {
            rows.push(row(broker, &view));
        }
    }
    rows
}

fn row(broker: &Broker, view: &UnitView<'_>) -> UnitRow {
    let job = view.job.and_then(|id| broker.model.engine.job(id));
    (
        view.name.to_string(),
        broker.model.description(view).into_owned(),
        view.load_state.as_str().to_owned(),
        view.active.to_string(),
        view.sub.to_owned(),
        view.following.map(ToString::to_string).unwrap_or_default(),
        object_path(&view.name.bus_path()),
        job.as_ref().map_or(0, |job| job.id),
        job.as_ref().map(|job| job.job_type.to_string()).unwrap_or_default(),
        object_path(&job.as_ref().map_or_else(|| "/".to_owned(), |job| super::object::job_path(job.id))),
    )
}

/// A text for people, like `systemd-analyze dump`.
fn dump(broker: &Broker, patterns: &[String]) -> String {
    let engine = &broker.model.engine;
    let mut text = format!("Manager: {}\n", crate::model::VERSION);
    for view in engine.units().into_iter().filter_map(|name| engine.unit(name)) {
        if !patterns.is_empty() && !patterns.iter().any(|pattern| glob::matches(pattern, view.name.as_str())) {
            continue;
        }
        text.push_str(&format!("-> Unit {}:\n", view.name));
        for (key, value) in [
            ("Description", &*broker.model.description(&view)),
            ("Unit Load State", view.load_state.as_str()),
            ("Unit Active State", view.active.as_str()),
            ("State", view.sub),
        ] {
            text.push_str(&format!("\t{key}: {value}\n"));
        }
        for kind in unit_parser::DependencyKind::ALL {
            for other in engine.dependencies(view.name, *kind) {
                text.push_str(&format!("\t{}: {other}\n", kind.as_str()));
            }
        }
    }
    for job in engine.jobs() {
        text.push_str(&format!("-> Job {}: {} {} {}\n", job.id, job.unit, job.job_type, job.state));
    }
    text
}

//! Who may call what. Peers on the private sockets are root or the manager's own user and may do everything; on the message
//! bus anybody may read, and only these two may change something (there is no polkit to ask).

use bus_api::errors::{BusError, ErrorName};

use super::call::Caller;
use crate::properties::PREFIX;

/// Methods that change nothing, by short interface name.
const OPEN: &[(&str, &[&str])] = &[
    (
        "Manager",
        &[
            "GetUnit",
            "GetUnitByPID",
            "GetUnitByInvocationID",
            "GetUnitByControlGroup",
            "GetUnitByPIDFD",
            "LoadUnit",
            "GetUnitProcesses",
            "GetJob",
            "GetJobAfter",
            "GetJobBefore",
            "ListUnits",
            "ListUnitsFiltered",
            "ListUnitsByPatterns",
            "ListUnitsByNames",
            "ListJobs",
            "Subscribe",
            "Unsubscribe",
            "UnrefUnit",
            "Dump",
            "DumpByFileDescriptor",
            "DumpUnitsMatchingPatterns",
            "DumpUnitsMatchingPatternsByFileDescriptor",
            "ListUnitFiles",
            "ListUnitFilesByPatterns",
            "GetUnitFileState",
            "GetUnitFileLinks",
            "GetDefaultTarget",
            "LookupDynamicUserByName",
            "LookupDynamicUserByUID",
            "GetDynamicUsers",
        ],
    ),
    // Who holds no reference can't give one up.
    ("Unit", &["Unref"]),
    ("Job", &["GetAfter", "GetBefore"]),
    // Every unit type's own.
    ("", &["GetProcesses"]),
];

/// Methods that systemd never asks polkit about; it refuses them with another text.
const PRIVILEGED: [&str; 7] = ["Exit", "Reboot", "SoftReboot", "PowerOff", "Halt", "KExec", "SwitchRoot"];

/// Methods of `org.quintet.Broker1` that copy all units to try something on them, or change one.
const COSTLY: [&str; 3] = ["Plan", "Simulate", "ReloadUnitDefinition"];

/// Refuses a method to those who may not call it. `owns`: the caller asked for the job that it is about.
///
/// # Errors
/// `AccessDenied`.
pub fn check(caller: &Caller, interface: &str, method: &str, owns: bool) -> Result<(), BusError> {
    if caller.privileged || owns {
        return Ok(());
    }
    let Some(short) = interface.strip_prefix(PREFIX) else {
        // What Quintet's own interface tells is for everybody, unless it costs more than a look.
        return if COSTLY.contains(&method) { Err(denied()) } else { Ok(()) };
    };
    let open = |(of, methods): &(&str, &[&str])| (of.is_empty() || *of == short) && methods.contains(&method);
    if OPEN.iter().any(open) {
        return Ok(());
    }
    if short == "Manager" && PRIVILEGED.contains(&method) {
        let text = format!("Access to {interface}.{method}() not permitted.");
        return Err(BusError::new(ErrorName::AccessDenied, text));
    }
    Err(denied())
}

/// The refusal, with systemd's text where polkit can't be asked.
#[must_use]
pub fn denied() -> BusError {
    BusError::new(ErrorName::AccessDenied, "Permission denied")
}

#[cfg(test)]
mod tests {
    use super::super::call::Origin;
    use super::*;

    #[test]
    fn everybody_reads_and_the_manager_s_user_changes() {
        let caller =
            |privileged| Caller { origin: Origin::Bus(":1.7".into()), number: 1, pid: 2, uid: 1000, privileged };
        let may = |privileged, short: &str, method| {
            check(&caller(privileged), &format!("{PREFIX}{short}"), method, false).is_ok()
        };
        for (short, method, open) in [
            ("Manager", "ListUnits", true),
            ("Manager", "Subscribe", true),
            ("Manager", "StartUnit", false),
            ("Manager", "Reload", false),
            ("Manager", "EnableUnitFiles", false),
            ("Manager", "KillUnit", false),
            ("Manager", "PowerOff", false),
            ("Unit", "Stop", false),
            ("Unit", "Ref", false),
            ("Unit", "Unref", true),
            ("Service", "GetProcesses", true),
            ("Service", "BindMount", false),
            ("Job", "GetAfter", true),
            ("Job", "Cancel", false),
        ] {
            assert_eq!(may(false, short, method), open, "{short}.{method}");
            assert!(may(true, short, method), "{short}.{method}");
        }
        assert!(check(&caller(false), bus_api::names::BROKER, "Why", false).is_ok());
        assert!(check(&caller(false), bus_api::names::BROKER, "Plan", false).is_err());
        assert!(check(&caller(true), bus_api::names::BROKER, "Simulate", false).is_ok());
        assert!(check(&caller(false), &format!("{PREFIX}Job"), "Cancel", true).is_ok());
    }

    #[test]
    fn open_methods_exist() {
        use crate::properties::interface::interface;
        for (short, methods) in OPEN.iter().filter(|(short, _)| !short.is_empty()) {
            let interface = interface(&format!("{PREFIX}{short}")).unwrap();
            for method in *methods {
                // Newer than the version whose interface is served.
                if !["GetUnitByPIDFD", "DumpUnitsMatchingPatternsByFileDescriptor"].contains(method) {
                    assert!(interface.method(method).is_some(), "{method}");
                }
            }
        }
    }
}

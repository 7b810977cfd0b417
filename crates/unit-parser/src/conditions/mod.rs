//! `Condition…=` and `Assert…=` (systemd.unit(5), "Conditions and Asserts"): whether the machine is as a unit wants it.
//!
//! One at a time, when a unit is about to start; the engine knows what a list of them comes to.

mod compare;
pub mod glob;
mod identity;
pub mod machine;
pub(crate) mod path;
pub mod virtualization;

use crate::value::{Condition, ConditionKind, Tested};

/// What conditions ask that isn't in the file system.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The manager's environment, `KEY=VALUE`.
    pub environment: Vec<String>,
    /// Directory of the manager's control group, if it has one.
    pub cgroup: Option<std::path::PathBuf>,
}

/// Tests one condition, its `!` applied.
#[must_use]
pub fn test(condition: &Condition, surroundings: &Surroundings) -> Tested {
    match holds(condition.kind, &condition.parameter, surroundings) {
        Some(holds) if holds != condition.negate => Tested::Met,
        Some(_) => Tested::Unmet,
        None => Tested::Error,
    }
}

/// Whether one condition holds, before `!`; `None` when that can't be found out.
fn holds(kind: ConditionKind, parameter: &str, surroundings: &Surroundings) -> Option<bool> {
    use ConditionKind as K;
    match kind {
        K::PathExists => Some(path::exists(parameter)),
        K::PathExistsGlob => Some(glob::any_file(parameter)),
        K::PathIsDirectory => Some(path::is_directory(parameter)),
        K::PathIsSymbolicLink => Some(path::is_symbolic_link(parameter)),
        K::PathIsMountPoint => Some(path::is_mount_point(parameter)),
        K::PathIsReadWrite => Some(path::is_read_write(parameter)),
        K::PathIsEncrypted => Some(path::is_encrypted(parameter)),
        K::DirectoryNotEmpty => Some(path::directory_not_empty(parameter)),
        K::FileNotEmpty => Some(path::file_not_empty(parameter)),
        K::FileIsExecutable => Some(path::file_is_executable(parameter)),
        K::NeedsUpdate => Some(path::needs_update(parameter)),
        K::FirstBoot => Some(path::exists("/run/systemd/first-boot") == boolean(parameter)?),
        K::Architecture => Some(machine::architecture(parameter)),
        K::Firmware => machine::firmware(parameter),
        K::Virtualization => machine::virtualization(parameter),
        K::Host => Some(identity::host(parameter)),
        K::KernelCommandLine => Some(machine::kernel_command_line(parameter)),
        K::KernelVersion | K::Version => machine::kernel_version(parameter),
        K::Credential => Some(identity::credential(parameter, &surroundings.environment)),
        K::Security => machine::security(parameter),
        K::Capability => identity::capability(parameter),
        K::ACPower => Some(machine::on_ac_power() == boolean(parameter)?),
        K::Memory => machine::memory(parameter),
        K::CPUFeature => Some(machine::cpu_feature(parameter)),
        K::CPUs => machine::cpus(parameter),
        K::Environment => Some(surroundings.environment.iter().any(|variable| {
            variable == parameter
                || !parameter.contains('=')
                    && variable.strip_prefix(parameter).is_some_and(|rest| rest.starts_with('='))
        })),
        K::User => identity::user(parameter),
        K::Group => identity::group(parameter),
        K::ControlGroupController => machine::controllers(parameter, surroundings.cgroup.as_deref()),
        K::OSRelease => machine::os_release(parameter),
        K::MemoryPressure => machine::pressure("memory", parameter),
        K::CPUPressure => machine::pressure("cpu", parameter),
        K::IOPressure => machine::pressure("io", parameter),
        K::KernelModuleLoaded => Some(path::is_directory(&format!("/sys/module/{}", parameter.replace('-', "_")))),
    }
}

/// systemd's spellings of yes and no (systemd.syntax(7)).
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negation_and_what_cannot_be_found_out() {
        for (kind, parameter, negate, expected) in [
            (ConditionKind::PathExists, "/", false, Tested::Met),
            (ConditionKind::PathExists, "/", true, Tested::Unmet),
            (ConditionKind::PathExists, "/missing", true, Tested::Met),
            (ConditionKind::Capability, "CAP_NO_SUCH", false, Tested::Error),
            (ConditionKind::Capability, "CAP_NO_SUCH", true, Tested::Error),
        ] {
            let condition =
                Condition { kind, assert: false, trigger: false, negate, parameter: parameter.into(), line: 1 };
            assert_eq!(test(&condition, &Surroundings::default()), expected, "{condition:?}");
        }
    }

    #[test]
    fn environment() {
        let surroundings = Surroundings { environment: vec!["A=1".into(), "B=".into()], cgroup: None };
        let holds = |parameter| holds(ConditionKind::Environment, parameter, &surroundings);
        assert_eq!(holds("A"), Some(true));
        assert_eq!(holds("A=1"), Some(true));
        assert_eq!(holds("A=2"), Some(false));
        assert_eq!(holds("B="), Some(true));
        assert_eq!(holds("C"), Some(false));
    }
}

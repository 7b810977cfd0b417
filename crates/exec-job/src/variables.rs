//! The variables of a process, in systemd's order of precedence: the manager's block, what the daemon knows, the unit's
//! PassEnvironment=, Environment= and EnvironmentFile=, and at last UnsetEnvironment=.

use unit_parser::Unit;
use unit_parser::rows::exec;

use crate::core::environment::Environment;
use crate::env_files::{self, FileVariables};
use crate::identity::Identity;

/// systemd's default search path.
pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is known about this start beyond the unit and the order.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The manager's environment block.
    pub manager: Vec<String>,
    /// Variables that only this start sees.
    pub start: Vec<String>,
    /// `$INVOCATION_ID`
    pub invocation: String,
    /// What the daemon tells this command (`$NOTIFY_SOCKET`, `$MAINPID`, ...).
    pub told: Vec<(String, String)>,
    /// `$MANAGERPID`: only a user's manager tells it.
    pub manager_pid: Option<u32>,
    /// `$CREDENTIALS_DIRECTORY`: the process gets the unit's credentials there.
    pub credentials: Option<String>,
}

/// Where SysV init scripts are.
const INIT_SCRIPTS: &str = "/etc/init.d/";

/// The variables, and what there is to complain about. LISTEN_*, WATCHDOG_PID, SYSTEMD_EXEC_PID, JOURNAL_STREAM and the
/// directories come from the executor, which knows them.
///
/// # Errors
/// When an `EnvironmentFile=` cannot be read.
pub(super) fn build(
    unit: &Unit,
    facts: &Facts,
    identity: Option<&Identity>,
    argv: &[String],
) -> Result<(Environment, Vec<String>), String> {
    let FileVariables { variables, complaints } = env_files::read(unit.list(exec::ENVIRONMENT_FILE))?;
    let mut env = Environment::default();
    env.set("PATH", DEFAULT_PATH);
    for assignment in &facts.manager {
        env.set_assignment(assignment);
    }
    for assignment in &facts.start {
        env.set_assignment(assignment);
    }
    if let Some(pid) = facts.manager_pid {
        env.set("MANAGERPID", pid.to_string());
    }
    for (name, value) in &facts.told {
        env.set(name, value);
    }
    if let Some(identity) = identity {
        for (variable, value) in [("HOME", &identity.home), ("SHELL", &identity.shell)] {
            if let Some(value) = value {
                env.set(variable, value);
            }
        }
        if let Some(name) = &identity.name {
            env.set("LOGNAME", name);
            env.set("USER", name);
        }
    }
    if !facts.invocation.is_empty() {
        env.set("INVOCATION_ID", &facts.invocation);
    }
    // Debian's scripts ask the manager to run them, and wait for it, unless their parent is PID 1, as systemd's is.
    if argv.iter().any(|word| word.starts_with(INIT_SCRIPTS)) {
        env.set("SYSTEMCTL_SKIP_REDIRECT", "1");
    }
    if let Some(directory) = &facts.credentials {
        env.set("CREDENTIALS_DIRECTORY", directory);
    }
    let search = unit.list(exec::EXEC_SEARCH_PATH);
    if !search.is_empty() {
        env.set("PATH", search.join(":"));
    }
    for name in unit.list(exec::PASS_ENVIRONMENT) {
        if let Ok(value) = std::env::var(name) {
            env.set(name, value);
        }
    }
    for (name, value) in unit.environment(exec::ENVIRONMENT) {
        env.set(name, value);
    }
    for (name, value) in variables {
        env.set(name, value);
    }
    for what in unit.list(exec::UNSET_ENVIRONMENT) {
        env.unset(what);
    }
    Ok((env, complaints))
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::UnitName;

    #[test]
    fn init_scripts_do_not_ask_the_manager() {
        let unit = Unit::new(UnitName::parse("a.service").unwrap());
        for (line, told) in [
            ("/etc/init.d/a start", Some("1")),
            ("/bin/sh /etc/init.d/a start", Some("1")),
            ("/usr/sbin/a /etc/init.conf", None),
        ] {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (env, _) = build(&unit, &Facts::default(), None, &argv).unwrap();
            assert_eq!(env.lookup("SYSTEMCTL_SKIP_REDIRECT"), told, "{line}");
        }
    }
}

//! The variables of a process, in systemd's order of precedence: the manager's block, what the supervisor knows, the unit's
//! PassEnvironment=, Environment= and EnvironmentFile=, and at last UnsetEnvironment=.

use unit_parser::Unit;
use unit_parser::rows::{exec, service};

use super::env_files::{self, FileVariables};
use super::identity::Identity;
use crate::core::action::SpawnOrder;
use crate::core::environment::Environment;

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
    /// `$NOTIFY_SOCKET`
    pub notify_socket: Option<String>,
    /// `$MANAGERPID`: only a user's manager tells it.
    pub manager_pid: Option<u32>,
    /// `$CREDENTIALS_DIRECTORY`
    pub credentials: Option<String>,
}

/// The variables, and what there is to complain about. LISTEN_*, WATCHDOG_PID, SYSTEMD_EXEC_PID, JOURNAL_STREAM and the
/// directories come from the executor, which knows them.
///
/// # Errors
/// When an `EnvironmentFile=` cannot be read.
pub(super) fn build(
    unit: &Unit,
    order: &SpawnOrder,
    facts: &Facts,
    identity: Option<&Identity>,
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
    if let Some(socket) = facts.notify_socket.as_ref().filter(|_| order.notify_socket) {
        env.set("NOTIFY_SOCKET", socket);
    }
    if let Some(pid) = order.main_pid {
        env.set("MAINPID", pid.to_string());
    }
    if let Some(pid) = facts.manager_pid {
        env.set("MANAGERPID", pid.to_string());
    }
    let pid_file = unit.str(service::PID_FILE);
    if !pid_file.is_empty() {
        env.set("PIDFILE", pid_file);
    }
    if let Some((result, exit)) = &order.result {
        env.set("SERVICE_RESULT", result);
        if let Some((code, status)) = exit {
            env.set("EXIT_CODE", code);
            env.set("EXIT_STATUS", status);
        }
    }
    if let Some(usec) = order.watchdog {
        env.set("WATCHDOG_USEC", usec.to_string());
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

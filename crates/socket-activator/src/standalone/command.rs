//! The command of `socket-activator --listen`: its environment, and the names of its descriptors.

use std::ffi::{OsStr, OsString};

use sys::exec::{Passing, Program};

use crate::cli::ActivateArgs;

/// What the command inherits of our environment (systemd-socket-activate(1), `--setenv=`).
const INHERITED: &[&str] = &["TERM", "COLORTERM", "PATH", "USER", "HOME"];

/// The command, ready to run with `count` descriptors; a failure as a sentence.
pub fn program(args: &ActivateArgs, count: usize) -> Result<Program, String> {
    let passing = if args.inetd { Passing::Inetd } else { Passing::ListenFds };
    let mut env: Vec<(OsString, OsString)> =
        INHERITED.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?))).collect();
    for assignment in &args.environment {
        let (name, value) = match assignment.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (assignment.as_str(), std::env::var_os(assignment)),
        };
        env.retain(|(have, _)| have != name);
        env.extend(value.map(|value| (OsString::from(name), value)));
    }
    if !args.inetd
        && let Some(names) = names(args.fdname.as_deref(), count)?
    {
        env.push(("LISTEN_FDNAMES".into(), names.into()));
    }
    let search = std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/local/bin:/usr/bin:/bin").to_owned());
    let shown = args.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    Program::new(&args.command, &env, &search, passing).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("Failed to find {shown}"),
        _ => format!("Failed to prepare {shown}: {error}"),
    })
}

/// One name serves all descriptors; several must be as many as there are.
fn names(names: Option<&str>, count: usize) -> Result<Option<String>, String> {
    let Some(names) = names else { return Ok(None) };
    let list: Vec<&str> = names.split(':').collect();
    match list.as_slice() {
        [one] => Ok(Some(vec![*one; count].join(":"))),
        list if list.len() == count => Ok(Some(names.to_owned())),
        list => Err(format!("The number of fd names is different than the number of fds: {} vs {count}", list.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_descriptors() {
        assert_eq!(names(None, 2), Ok(None));
        assert_eq!(names(Some("a"), 2), Ok(Some("a:a".into())));
        assert_eq!(names(Some("a:b"), 2), Ok(Some("a:b".into())));
        assert!(names(Some("a:b"), 3).is_err());
    }
}

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
        if assignment.starts_with('=') {
            return Err(format!("Cannot assign environment variable {assignment}: it has no name"));
        }
        let (name, value) = match assignment.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (assignment.as_str(), std::env::var_os(assignment)),
        };
        env.retain(|(have, _)| have != name);
        env.extend(value.map(|value| (OsString::from(name), value)));
    }
    if !args.inetd
        && let Some(names) = names(&args.fdname, count)
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

/// One name serves all descriptors; of several there should be as many. If not, they are passed on all the same, as
/// systemd-socket-activate does, and it is said.
fn names(given: &[String], count: usize) -> Option<String> {
    let list: Vec<&str> = given.iter().flat_map(|names| names.split(':')).collect();
    match list.as_slice() {
        [] => return None,
        [one] => return Some(vec![*one; count].join(":")),
        many if many.len() != count => {
            eprintln!("The number of fd names is different than the number of fds: {} vs {count}", many.len());
        }
        _ => {}
    }
    Some(list.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_descriptors() {
        let names = |given: &[&str], count| names(&given.iter().map(ToString::to_string).collect::<Vec<_>>(), count);
        assert_eq!(names(&[], 2), None);
        assert_eq!(names(&["a"], 2).as_deref(), Some("a:a"));
        assert_eq!(names(&["a:b"], 2).as_deref(), Some("a:b"));
        assert_eq!(names(&["a:b"], 3).as_deref(), Some("a:b"));
        assert_eq!(names(&["a", "b:c"], 3).as_deref(), Some("a:b:c"));
    }
}

//! Command lines of `ExecStart=` and its like (systemd.service(5), "Command lines").

use super::words::{Quoting, WordError, Words};
use super::{Problem, path};
use crate::value::ExecCommand;

/// Reads the commands of one assignment. `expand` replaces specifiers. A problem with a command
/// whose `-` prefix is set is a warning, with others it makes the unit unusable, as in systemd.
pub fn parse(text: &str, expand: &dyn Fn(&str) -> Result<String, String>) -> (Vec<ExecCommand>, Option<Problem>) {
    let mut commands = Vec::new();
    let mut words = Words::new(text, Quoting::Escapes);
    loop {
        // A command that is nothing but its end is none.
        while words.rest().strip_prefix(';').is_some_and(ends_word) {
            words.skip(1);
        }
        let start = words.position();
        match one(&mut words, expand) {
            Ok(None) => return (commands, None),
            Ok(Some((command, more))) => {
                commands.push(command);
                if !more {
                    return (commands, None);
                }
            }
            Err((message, fatal)) => {
                let mut problem = Problem::new(message).at(start, text.len());
                problem.fatal = fatal;
                return (commands, Some(problem));
            }
        }
    }
}

type Failure = (String, bool);

fn quoting(error: WordError, fatal: bool) -> Failure {
    (error.to_string(), fatal)
}

/// Whether a word ends before this.
fn ends_word(after: &str) -> bool {
    after.is_empty() || after.starts_with(super::words::SPACE)
}

/// One command, and whether a semicolon follows it.
fn one(
    words: &mut Words<'_>,
    expand: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Option<(ExecCommand, bool)>, Failure> {
    let Some(first) = words.next_word().map_err(|e| quoting(e, true))? else {
        return Ok(None);
    };
    let mut command = ExecCommand::default();
    let mut separate_argv0 = false;
    let rest = prefixes(&first.text, &mut command, &mut separate_argv0);
    let fatal = !command.ignore_failure;
    let program = expand(rest).map_err(|e| (e, fatal))?;
    check_program(&program).map_err(|e| (e.to_owned(), fatal))?;
    if !separate_argv0 {
        command.argv.push(program.clone());
    }
    command.path = path::simplify(&program);
    let mut semicolon = false;
    loop {
        let rest = words.rest();
        if rest.strip_prefix(';').is_some_and(ends_word) {
            words.skip(1);
            semicolon = true;
            break;
        }
        if rest.strip_prefix("\\;").is_some_and(ends_word) {
            words.skip(2);
            command.argv.push(";".to_owned());
            continue;
        }
        match words.next_word().map_err(|e| quoting(e, fatal))? {
            Some(word) => command.argv.push(expand(&word.text).map_err(|e| (e, fatal))?),
            None => break,
        }
    }
    if command.argv.first().is_none_or(String::is_empty) {
        return Err(("the command has no argv[0]".to_owned(), fatal));
    }
    Ok(Some((command, semicolon)))
}

fn prefixes<'a>(word: &'a str, command: &mut ExecCommand, separate_argv0: &mut bool) -> &'a str {
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let elevated = command.privileged || command.no_setuid || command.ambient_hack;
        match c {
            '-' if !command.ignore_failure => command.ignore_failure = true,
            '@' if !*separate_argv0 => *separate_argv0 = true,
            ':' if !command.no_env => command.no_env = true,
            '+' if !elevated => command.privileged = true,
            '!' if !elevated => command.no_setuid = true,
            '!' if command.no_setuid => {
                command.no_setuid = false;
                command.ambient_hack = true;
            }
            _ => break,
        }
        rest = rest.get(1..).unwrap_or("");
    }
    rest
}

fn check_program(program: &str) -> Result<(), &'static str> {
    if program.is_empty() {
        Err("the command is empty")
    } else if program.chars().any(char::is_control) {
        Err("the program's path has control characters")
    } else if program.ends_with('/') {
        Err("the program's path is a directory")
    } else if !program.starts_with('/') && (program.contains('/') || program == "." || program == "..") {
        Err("the program is neither an absolute path nor a plain file name")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    fn show(text: &str) -> Vec<String> {
        let (commands, problem) = parse(text, &plain);
        let mut out: Vec<String> =
            commands.iter().map(|c| format!("{} {:?} {}", c.path, c.argv, c.flags().join(","))).collect();
        if let Some(problem) = problem {
            out.push(format!("fatal={}", problem.fatal));
        }
        out
    }

    #[test]
    fn commands() {
        let table: &[(&str, &[&str])] = &[
            ("/bin/a b 'c d'", &[r#"/bin/a ["/bin/a", "b", "c d"] "#]),
            ("-/bin/a", &[r#"/bin/a ["/bin/a"] ignore-failure"#]),
            ("@/bin/a zero one", &[r#"/bin/a ["zero", "one"] "#]),
            ("@-/bin/a zero", &[r#"/bin/a ["zero"] ignore-failure"#]),
            ("!!:/bin/a", &[r#"/bin/a ["/bin/a"] ambient,no-env-expand"#]),
            ("+/bin//a/./b", &[r#"/bin/a/b ["/bin//a/./b"] privileged"#]),
            ("/bin/a ; b c", &[r#"/bin/a ["/bin/a"] "#, r#"b ["b", "c"] "#]),
            (r"/bin/a \; b;", &[r#"/bin/a ["/bin/a", ";", "b;"] "#]),
            ("/bin/a ;", &[r#"/bin/a ["/bin/a"] "#]),
            ("", &[]),
            ("/bin/a 'b", &["fatal=true"]),
            ("-/bin/a 'b", &["fatal=false"]),
            ("bin/a", &["fatal=true"]),
            ("/bin/", &["fatal=true"]),
            ("@/bin/a", &["fatal=true"]),
            ("-", &["fatal=false"]),
        ];
        for (text, expected) in table {
            assert_eq!(show(text), *expected, "{text}");
        }
    }
}

//! `EnvironmentFile=`: globs, files that may be missing, their content.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::core::env_file;

/// What the files hold, in order, with the lines that make no sense.
pub(super) struct FileVariables {
    pub(super) variables: Vec<(String, String)>,
    pub(super) complaints: Vec<String>,
}

/// Reads all files of the setting.
///
/// # Errors
/// When one without `-` is missing or unreadable.
pub(super) fn read(settings: &[String]) -> Result<FileVariables, String> {
    let mut found = FileVariables { variables: Vec::new(), complaints: Vec::new() };
    for setting in settings {
        let (optional, pattern) = match setting.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, setting.as_str()),
        };
        let files = matching(Path::new(pattern));
        if files.is_empty() && !optional {
            return Err(format!("{pattern}: {}", io::Error::from(io::ErrorKind::NotFound)));
        }
        for file in files {
            match fs::read(&file) {
                Ok(content) => {
                    let text =
                        String::from_utf8(content).map_err(|_| format!("{}: it is not UTF-8", file.display()))?;
                    let (variables, bad) = env_file::parse(&text);
                    found.variables.extend(variables);
                    found.complaints.extend(
                        bad.into_iter().map(|line| format!("{}: {line:?} is no assignment, ignored", file.display())),
                    );
                }
                Err(_) if optional => {}
                Err(error) => return Err(format!("{}: {error}", file.display())),
            }
        }
    }
    Ok(found)
}

/// Paths that a pattern matches, sorted; a path without wildcards is itself, if it exists.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        if text.contains(['*', '?', '[']) {
            paths = paths.iter().flat_map(|dir| entries(dir, &text)).collect();
        } else {
            for path in &mut paths {
                path.push(part);
            }
        }
    }
    paths.retain(|path| path.exists());
    paths
}

fn entries(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name: Vec<char> = name.to_string_lossy().chars().collect();
            (name.first() != Some(&'.') || pattern.first() == Some(&'.')) && glob(&pattern, &name)
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// glob(7) within one name.
fn glob(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => glob(rest, name) || name.split_first().is_some_and(|(_, tail)| glob(pattern, tail)),
        (Some(('?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some(('[', rest)), Some((c, tail))) => match set(rest, *c) {
            Some((matched, after)) => matched && glob(after, tail),
            None => *c == '[' && glob(rest, tail),
        },
        (Some(('\\', rest)), Some((c, tail))) => {
            rest.split_first().is_some_and(|(escaped, after)| escaped == c && glob(after, tail))
        }
        (Some((p, rest)), Some((c, tail))) => p == c && glob(rest, tail),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Inside of `[...]`: whether it has the character, and what follows; `None` without a closing bracket.
fn set(pattern: &[char], c: char) -> Option<(bool, &[char])> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let body = pattern.get(usize::from(negated)..)?;
    let end = body.iter().skip(1).position(|c| *c == ']')? + 1;
    let mut items = body.get(..end)?.iter().copied().peekable();
    let mut matched = false;
    while let Some(low) = items.next() {
        let mut ahead = items.clone();
        if let (Some('-'), Some(high)) = (ahead.next(), ahead.next()) {
            matched |= (low..=high).contains(&c);
            items = ahead;
        } else {
            matched |= low == c;
        }
    }
    Some((matched != negated, body.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let table = [
            ("t*o.env", "two.env", true),
            ("t*o.env", "one.env", false),
            ("?", "a", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("a*b*c", "a1b2c", true),
        ];
        for (pattern, name, want) in table {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(glob(&chars(pattern), &chars(name)), want, "{pattern} {name}");
        }
    }
}

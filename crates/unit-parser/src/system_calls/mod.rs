//! Filters of system calls: sets by name, and what a filter's words mean together (systemd.exec(5), `SystemCallFilter=`).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::parse::errno;

/// Direct members by name of the set, nested sets with their `@`.
static SETS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let lines = include_str!("sets.txt").lines().filter(|line| line.starts_with('@'));
    let split = |line: &'static str| {
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?, words.collect()))
    };
    lines.filter_map(split).collect()
});

/// All names.
static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = SETS.values().flatten().copied().filter(|name| !name.starts_with('@')).collect();
    names.sort_unstable();
    names.dedup();
    names
});

/// The set that system calls of an allow list always include.
const DEFAULT: &str = "@default";
/// Marks a word whose system calls are taken back.
const REMOVED: char = '!';

/// The members of a set by name (`@clock`), those of nested sets too; `None` if there is no such set.
pub fn set(name: &str) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    let mut open = SETS.get(name)?.clone();
    while let Some(member) = open.pop() {
        match SETS.get(member) {
            Some(nested) => open.extend(nested),
            None => found.push(member),
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// Whether there is a set or system call of that name.
pub fn is_known(name: &str) -> bool {
    if name.starts_with('@') { SETS.contains_key(name) } else { NAMES.binary_search(&name).is_ok() }
}

/// What a filter says in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The listed system calls are allowed and no others; otherwise they are forbidden and all others allowed.
    pub allow: bool,
    /// System calls, each with the error that it returns instead of that of `SystemCallErrorNumber=`.
    pub calls: BTreeMap<&'static str, Option<i64>>,
}

impl Filter {
    /// What the words of a directive's value mean together.
    pub fn of(words: &[String]) -> Filter {
        let (allow, words) = match words.split_first() {
            Some((first, rest)) if first == "~" => (false, rest),
            _ => (true, words),
        };
        let mut calls = BTreeMap::new();
        for word in words {
            let (removed, word) = word.strip_prefix(REMOVED).map_or((false, word.as_str()), |word| (true, word));
            let (name, error) = word.split_once(':').map_or((word, None), |(name, error)| (name, errno::parse(error)));
            let members = match set(name) {
                Some(members) => members,
                None => NAMES.binary_search(&name).ok().and_then(|at| NAMES.get(at)).copied().into_iter().collect(),
            };
            for member in members {
                if removed {
                    calls.remove(member);
                } else {
                    calls.insert(member, error);
                }
            }
        }
        Filter { allow, calls }
    }

    /// The system calls in the form of the D-Bus property: sorted, with `:ERROR` where they have one of their own.
    pub fn names(&self) -> Vec<String> {
        let with_error = |(name, error): (&&str, &Option<i64>)| match error {
            Some(error) => format!("{name}:{}", errno::name(*error)),
            None => (*name).to_owned(),
        };
        let mut names: Vec<String> = self.calls.iter().map(with_error).collect();
        names.sort_unstable();
        names
    }
}

/// One word of an assignment that isn't in the value that way: why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownName,
    BadError,
    ErrorOfAllowed,
}

/// Adds an assignment's words to a filter's. The first assignment decides which sort of list it is, later ones of the other
/// sort take away. `defaults`: an allow list starts with what every process needs.
pub(crate) fn add(list: &mut Vec<String>, invert: bool, words: Vec<String>, defaults: bool) -> Vec<(usize, Refusal)> {
    if list.is_empty() {
        if invert {
            list.push("~".to_owned());
        } else if defaults {
            list.push(DEFAULT.to_owned());
        }
    }
    let deny = list.first().is_some_and(|first| first == "~");
    let mut refused = Vec::new();
    for (at, word) in words.into_iter().enumerate() {
        let (name, error) = word.split_once(':').map_or((word.as_str(), None), |(name, error)| (name, Some(error)));
        let refusal = match error {
            Some(error) if errno::parse(error).is_none() => Some(Refusal::BadError),
            // Only what is forbidden can return something else.
            Some(_) if !invert => Some(Refusal::ErrorOfAllowed),
            Some(_) | None if !is_known(name) => Some(Refusal::UnknownName),
            Some(_) | None => None,
        };
        match refusal {
            Some(refusal) => refused.push((at, refusal)),
            None if invert == deny => list.push(word),
            None => list.push(format!("{REMOVED}{name}")),
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(assignments: &[&str], defaults: bool) -> Filter {
        let mut list = Vec::new();
        for text in assignments {
            let (invert, rest) = text.strip_prefix('~').map_or((false, *text), |rest| (true, rest));
            add(&mut list, invert, rest.split_whitespace().map(str::to_owned).collect(), defaults);
        }
        Filter::of(&list)
    }

    #[test]
    fn every_set_has_known_members() {
        for (name, members) in SETS.iter() {
            assert!(!members.is_empty(), "{name}");
            for member in members {
                assert!(is_known(member), "{member} in {name}");
            }
        }
        assert!(set("@system-service").unwrap().contains(&"read"), "nested sets count");
    }

    #[test]
    fn first_assignment_decides_and_later_ones_add_or_take_away() {
        for (assignments, allow, expected) in [
            (
                &["~@clock:EACCES reboot:kill swapon:3000", "adjtimex"][..],
                false,
                "clock_adjtime64:EACCES clock_adjtime:EACCES clock_settime64:EACCES clock_settime:EACCES reboot:kill settimeofday:EACCES swapon:3000",
            ),
            (&["~"], false, ""),
            (&["getpid getppid", "~getpid"], true, "getppid"),
            (&["mount:EPERM nosuch @nosuch getpid"], true, "getpid"),
        ] {
            let filter = filter(assignments, false);
            assert_eq!((filter.allow, filter.names().join(" ").as_str()), (allow, expected), "{assignments:?}");
        }
        let allowed = filter(&["mount", "~mount getpid"], true);
        assert!(allowed.allow && allowed.calls.contains_key("execve") && !allowed.calls.contains_key("getpid"));
    }
}

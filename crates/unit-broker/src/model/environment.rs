//! The environment block that services start with, before their own settings (systemctl(1), "Environment Commands").

use std::collections::BTreeMap;

/// What a system manager gives its services when nothing else says so.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Variables of our own process that no service must see (systemd.exec(5), "Environment Variables in Spawned Processes").
const PRIVATE: [&str; 14] = [
    "CREDENTIALS_DIRECTORY",
    "EXIT_CODE",
    "EXIT_STATUS",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "MAINPID",
    "MANAGERPID",
    "NOTIFY_SOCKET",
    "SERVICE_RESULT",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Variables from the start, with those that clients set on top: what was there from the start can be covered, not removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    base: BTreeMap<String, String>,
    client: BTreeMap<String, String>,
}

impl Environment {
    /// A system manager's: clean, apart from `PATH` and the locale.
    #[must_use]
    pub fn system() -> Self {
        let mut base = BTreeMap::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]);
        base.extend(locale());
        Self { base, client: BTreeMap::new() }
    }

    /// A user manager's: what the manager itself was started with.
    #[must_use]
    pub fn user(own: impl Iterator<Item = (String, String)>) -> Self {
        let mut base: BTreeMap<String, String> =
            own.filter(|(name, _)| !PRIVATE.contains(&name.as_str()) && !name.starts_with("QUINTET_")).collect();
        base.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
        for (name, value) in locale() {
            base.entry(name).or_insert(value);
        }
        Self { base, client: BTreeMap::new() }
    }

    /// All variables as `NAME=value`: those from the start by name, then the others by name.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let base = self.base.iter().map(|(name, value)| (name, self.client.get(name).unwrap_or(value)));
        let more = self.client.iter().filter(|(name, _)| !self.base.contains_key(*name));
        base.chain(more).map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// Sets variables given as `NAME=value`. The first one that isn't such an assignment is returned, and nothing is set.
    ///
    /// # Errors
    /// The item that is no assignment.
    pub fn set(&mut self, assignments: &[String]) -> Result<(), String> {
        let parsed: Result<Vec<_>, String> =
            assignments.iter().map(|item| parse(item).ok_or_else(|| item.clone())).collect();
        for (name, value) in parsed? {
            self.client.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// Unsets variables given as `NAME`, or as `NAME=value` to unset them only if they have that value.
    ///
    /// # Errors
    /// The item that is neither.
    pub fn unset(&mut self, items: &[String]) -> Result<(), String> {
        for item in items {
            if !is_name(item) && parse(item).is_none() {
                return Err(item.clone());
            }
        }
        for item in items {
            match parse(item) {
                None => _ = self.client.remove(item),
                Some((name, value)) if self.client.get(name).is_some_and(|is| is == value) => {
                    self.client.remove(name);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// What clients changed, for the state file.
    #[must_use]
    pub fn saved(&self) -> BTreeMap<String, String> {
        self.client.clone()
    }

    /// Takes what clients had changed before a restart.
    pub fn restore(&mut self, saved: BTreeMap<String, String>) {
        self.client = saved;
    }
}

/// `NAME=value` taken apart; `None` when it isn't one.
fn parse(item: &str) -> Option<(&str, &str)> {
    let (name, value) = item.split_once('=')?;
    // Control characters would end up in files and on terminals.
    let clean = !value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    (is_name(name) && clean).then_some((name, value))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// locale.conf(5); `LANG=C.UTF-8` without one.
fn locale() -> Vec<(String, String)> {
    let text = ["/etc/locale.conf", "/etc/default/locale"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    let mut variables: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .filter(|(name, _)| *name == "LANG" || *name == "LANGUAGE" || name.starts_with("LC_"))
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        .collect();
    if variables.is_empty() {
        variables.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(base: &[(&str, &str)]) -> Environment {
        let own = base.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut environment = Environment::user(own);
        environment.base.retain(|name, _| base.iter().any(|(known, _)| known == name));
        environment
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn set_and_unset() {
        let mut environment = environment(&[("A", "1"), ("LISTEN_FDS", "2"), ("QUINTET_MODE", "user")]);
        assert_eq!(environment.list(), ["A=1"]);
        environment.set(&words("B=2 A=3")).unwrap();
        assert_eq!(environment.list(), ["A=3", "B=2"]);
        environment.set(&words("AA=4")).unwrap();
        assert_eq!(environment.list(), ["A=3", "AA=4", "B=2"]);
        environment.unset(&words("A=1 B AA=5")).unwrap();
        assert_eq!(environment.list(), ["A=3", "AA=4"]);
        environment.unset(&words("A=3 AA")).unwrap();
        assert_eq!(environment.list(), ["A=1"]);
    }

    #[test]
    fn what_is_no_assignment_changes_nothing() {
        let mut environment = environment(&[]);
        assert_eq!(environment.set(&words("A=1 novalue")), Err("novalue".to_owned()));
        assert_eq!(environment.set(&words("1A=1")), Err("1A=1".to_owned()));
        assert_eq!(environment.unset(&words("a-b")), Err("a-b".to_owned()));
        assert!(environment.list().is_empty());
    }
}

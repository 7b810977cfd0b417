//! The variables of a process (systemd.exec(5), "Environment variables in spawned processes"), as an ordered map.

/// Variables; a later assignment replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Sets one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(have, _)| *have == name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// Sets it unless it has a value.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if self.lookup(name).is_none() {
            self.set(name, value);
        }
    }

    /// Sets from `NAME=value`; other texts are ignored.
    pub fn set_assignment(&mut self, text: &str) {
        if let Some((name, value)) = text.split_once('=')
            && !name.is_empty()
        {
            self.set(name, value);
        }
    }

    /// Sets many.
    pub fn extend<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a String, &'a String)>) {
        for (name, value) in pairs {
            self.set(name.clone(), value.clone());
        }
    }

    /// `UnsetEnvironment=`: a name, or an assignment that must match.
    pub fn unset(&mut self, what: &str) {
        match what.split_once('=') {
            Some((name, value)) => self.0.retain(|(n, v)| n != name || v != value),
            None => self.0.retain(|(n, _)| n != what),
        }
    }

    /// The value of one.
    pub fn lookup(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// All, in order of first assignment.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_in_place_and_unset() {
        let mut env = Environment::default();
        env.set("A", "1");
        env.set("B", "2");
        env.set("A", "3");
        env.set_default("B", "4");
        env.set_assignment("C=x=y");
        env.unset("B=5");
        env.unset("C=x=y");
        assert_eq!(env.into_pairs(), [("A".into(), "3".into()), ("B".into(), "2".into())]);
    }
}

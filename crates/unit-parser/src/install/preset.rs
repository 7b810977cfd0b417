//! Preset files (systemd.preset(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::change::{InstallError, InstallFailure, Log, Outcome};
use super::search::{Context, FOLLOW, LOAD, LOAD_FOLLOW, errno};
use super::verbs::mark_for_removal;
use super::{Flags, InstallPaths, Installer};
use crate::name::UnitName;

/// Which half of a preset is applied (systemctl(1), `--preset-mode=`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PresetMode {
    /// Both.
    #[default]
    Full,
    /// Only what is to be enabled.
    EnableOnly,
    /// Only what is to be disabled.
    DisableOnly,
}

impl PresetMode {
    /// From the word on the bus; empty is full.
    pub fn from_word(word: &str) -> Option<PresetMode> {
        match word {
            "" | "full" => Some(PresetMode::Full),
            "enable-only" => Some(PresetMode::EnableOnly),
            "disable-only" => Some(PresetMode::DisableOnly),
            _ => None,
        }
    }
}

/// What the presets say about a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresetState {
    /// It should be enabled.
    Enabled,
    /// It should not.
    Disabled,
}

impl PresetState {
    /// `UnitFilePreset` on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            PresetState::Enabled => "enabled",
            PresetState::Disabled => "disabled",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    enable: bool,
    pattern: String,
    /// Instances of a template to enable.
    instances: Vec<String>,
}

/// The rules of all preset files, the first match wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presets(Vec<Rule>);

impl Presets {
    /// Reads the `*.preset` files: sorted by name, one of a name in an earlier directory hides the later ones.
    pub fn read(paths: &InstallPaths) -> Presets {
        let mut files: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
        for directory in &paths.presets {
            let Ok(entries) = std::fs::read_dir(directory) else { continue };
            for entry in entries.flatten() {
                if Path::new(&entry.file_name()).extension().is_some_and(|extension| extension == "preset") {
                    files.entry(entry.file_name()).or_insert_with(|| entry.path());
                }
            }
        }
        let mut presets = Presets::default();
        for path in files.values() {
            // An unreadable file, or a link to /dev/null, has no rules.
            if let Ok(text) = std::fs::read_to_string(path) {
                presets.add(&text);
            }
        }
        presets
    }

    fn add(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let enable = match words.next() {
                Some("enable") => true,
                Some("disable") => false,
                Some(_) | None => continue,
            };
            let Some(pattern) = words.next() else { continue };
            let instances: Vec<String> = if enable { words.map(str::to_owned).collect() } else { Vec::new() };
            // Only templates have instances.
            if !instances.is_empty() && !UnitName::parse(pattern).is_ok_and(|name| name.is_template()) {
                continue;
            }
            self.0.push(Rule { enable, pattern: pattern.to_owned(), instances });
        }
    }

    /// What they say about a unit; no rule means enabled.
    pub fn state(&self, name: &UnitName) -> PresetState {
        if self.query(name).0 { PresetState::Enabled } else { PresetState::Disabled }
    }

    /// Whether to enable, and of a template which instances.
    fn query(&self, name: &UnitName) -> (bool, Vec<UnitName>) {
        for rule in &self.0 {
            if !rule.instances.is_empty() {
                let instances = rule.instances.iter().filter_map(|instance| name.with_instance(instance).ok());
                if name.is_template() && glob(&rule.pattern, name.as_str()) {
                    return (true, instances.collect());
                }
                if name.template().is_some_and(|template| glob(&rule.pattern, template.as_str()))
                    && name.instance().is_some_and(|own| rule.instances.iter().any(|instance| instance == own))
                {
                    return (true, vec![name.clone()]);
                }
            } else if glob(&rule.pattern, name.as_str()) {
                return (rule.enable, Vec::new());
            }
        }
        (true, Vec::new())
    }
}

impl Installer {
    /// Enables and disables units as the presets say.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn preset(&self, files: &[String], mode: PresetMode, flags: Flags) -> Result<Outcome, InstallFailure> {
        let presets = Presets::read(&self.paths);
        let mut log = Log::default();
        let (mut plus, mut minus) = self.contexts();
        for file in files {
            if UnitName::parse(file).is_err() {
                return Err(InstallError::Plain(errno::EINVAL).into());
            }
            if self.sort_out(&presets, file, &mut plus, &mut minus, &mut log).is_none() {
                return log.finish(false, true);
            }
        }
        let done = self.execute(&mut plus, &mut minus, mode, flags, &mut log);
        log.finish(done.unwrap_or(false), done.is_none())
    }

    /// The same for every unit file of the load path.
    ///
    /// # Errors
    /// [`InstallFailure`] only if nothing could be done.
    pub fn preset_all(&self, mode: PresetMode, flags: Flags) -> Result<Outcome, InstallFailure> {
        let presets = Presets::read(&self.paths);
        let mut log = Log::default();
        let (mut plus, mut minus) = self.contexts();
        for name in self.all_names() {
            let mut own = Log::default();
            let done = self.sort_out(&presets, &name, &mut plus, &mut minus, &mut own);
            let passed_over = own.failures.iter().all(is_passed_over);
            log.changes.extend(own.changes);
            log.failures.extend(own.failures);
            if done.is_none() && !passed_over {
                return log.finish(false, true);
            }
        }
        let done = self.execute(&mut plus, &mut minus, mode, flags, &mut log);
        log.finish(done.unwrap_or(false), done.is_none())
    }

    fn contexts(&self) -> (Context<'_>, Context<'_>) {
        (Context::new(&self.paths, &self.host), Context::new(&self.paths, &self.host))
    }

    /// Puts a unit with those to enable or those to disable.
    fn sort_out(
        &self,
        presets: &Presets,
        file: &str,
        plus: &mut Context<'_>,
        minus: &mut Context<'_>,
        log: &mut Log,
    ) -> Option<()> {
        if plus.contains(file) || minus.contains(file) {
            return Some(());
        }
        let mut context = Context::new(&self.paths, &self.host);
        let Some(index) = context.add_argument(file) else {
            log.failures.push(InstallError::Errno { path: file.to_owned(), errno: errno::EINVAL });
            return None;
        };
        let name = match context.traverse(index, FOLLOW) {
            Ok(index) => context.info(index).name.clone(),
            Err(failure) => {
                log.failures.push(super::verbs::failed(file, failure));
                return None;
            }
        };
        if name.as_str() != file {
            // An alias: its unit has a preset of its own.
            return Some(());
        }
        let (enable, instances) = presets.query(&name);
        if !enable {
            minus.add(name, None, false);
            return Some(());
        }
        if instances.is_empty() {
            self.discover(plus, file, LOAD_FOLLOW, log)?;
        }
        for instance in instances {
            self.discover(plus, instance.as_str(), LOAD_FOLLOW, log)?;
        }
        Some(())
    }

    fn execute(
        &self,
        plus: &mut Context<'_>,
        minus: &mut Context<'_>,
        mode: PresetMode,
        flags: Flags,
        log: &mut Log,
    ) -> Option<bool> {
        let config = self.paths.config(flags.runtime);
        if mode != PresetMode::EnableOnly {
            let mut marked = BTreeSet::new();
            mark_for_removal(minus, &mut marked, log);
            self.remove(&mut marked, config, false, log)?;
        }
        if mode == PresetMode::DisableOnly {
            return Some(false);
        }
        self.apply(plus, config, flags.force, LOAD, true, log)
    }
}

/// Units that "all units" leaves out, with a word: masked and generated ones, and links that lead to nothing good.
fn is_passed_over(failure: &InstallError) -> bool {
    match failure {
        InstallError::Masked(_)
        | InstallError::Generated(_)
        | InstallError::Linked(_)
        | InstallError::BadReference(_)
        | InstallError::NotFound(_) => true,
        InstallError::Exists { .. }
        | InstallError::ExistsAsLink { .. }
        | InstallError::NonTemplate(_)
        | InstallError::InvalidName(_)
        | InstallError::BadAlias { .. }
        | InstallError::BadSpecifier(_)
        | InstallError::Errno { .. }
        | InstallError::Plain(_) => false,
    }
}

/// fnmatch(3) without escapes: `*`, `?`, `[...]`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    fn matches(pattern: &[char], text: &[char]) -> bool {
        let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
        match first {
            '*' => (0..=text.len()).any(|skip| matches(rest, text.get(skip..).unwrap_or_default())),
            '?' => text.split_first().is_some_and(|(_, tail)| matches(rest, tail)),
            '[' => match class(rest) {
                Some((accepts, after)) => {
                    text.split_first().is_some_and(|(c, tail)| accepts(*c) && matches(after, tail))
                }
                None => text.split_first().is_some_and(|(c, tail)| *c == '[' && matches(rest, tail)),
            },
            plain => text.split_first().is_some_and(|(c, tail)| c == plain && matches(rest, tail)),
        }
    }
    /// What follows a `[`: which characters it accepts, and the pattern behind it.
    fn class(pattern: &[char]) -> Option<(impl Fn(char) -> bool, &[char])> {
        let negated = matches!(pattern.first(), Some('!' | '^'));
        let body = pattern.get(usize::from(negated)..)?;
        // A `]` at the very start is a member.
        let end = body.iter().skip(1).position(|c| *c == ']')? + 1;
        let members: Vec<char> = body.get(..end)?.to_vec();
        let accepts = move |c: char| {
            let mut index = 0;
            let mut found = false;
            while let Some(low) = members.get(index) {
                match (members.get(index + 1), members.get(index + 2)) {
                    (Some('-'), Some(high)) => {
                        found |= (*low..=*high).contains(&c);
                        index += 3;
                    }
                    _ => {
                        found |= *low == c;
                        index += 1;
                    }
                }
            }
            found != negated
        };
        Some((accepts, body.get(end + 1..)?))
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    matches(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let table = [
            ("*", "a.service", true),
            ("a*.service", "abc.service", true),
            ("a?.service", "abc.service", false),
            ("[a-c]*", "b.service", true),
            ("[!a-c]*", "b.service", false),
            ("*@*.service", "x@y.service", true),
            ("a.service", "a.socket", false),
            ("[a", "[a", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_rule_wins() {
        let mut presets = Presets::default();
        presets.add(
            "# comment\nenable a.service\ndisable a*.service\nenable g@.service tty1 tty2\nnonsense x\ndisable *\n",
        );
        let query = |name: &str| {
            let (enable, instances) = presets.query(&UnitName::parse(name).unwrap());
            (enable, instances.iter().map(UnitName::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(query("a.service"), (true, String::new()));
        assert_eq!(query("ab.service"), (false, String::new()));
        assert_eq!(query("g@.service"), (true, "g@tty1.service g@tty2.service".into()));
        assert_eq!(query("g@tty2.service"), (true, "g@tty2.service".into()));
        assert_eq!(query("g@tty3.service"), (false, String::new()));
        assert!(Presets::default().query(&UnitName::parse("x.service").unwrap()).0);
    }
}

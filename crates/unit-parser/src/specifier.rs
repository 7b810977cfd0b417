//! Specifiers (systemd.unit(5), "Specifiers").

use std::path::Path;

use crate::escape::{path_unescape, unescape};
use crate::name::UnitName;

/// What specifiers say about the machine and the manager. Data, gathered by [`crate::machine`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// `%m`
    pub machine_id: String,
    /// `%b`
    pub boot_id: String,
    /// `%H`
    pub host_name: String,
    /// `%q`
    pub pretty_host_name: String,
    /// `%v`
    pub kernel_release: String,
    /// `%a`, in systemd's words: `x86-64`, `arm64`.
    pub architecture: String,
    /// Fields of os-release: `%o` ID, `%w` VERSION_ID, `%B` BUILD_ID, `%W` VARIANT_ID, `%A` IMAGE_VERSION, `%M` IMAGE_ID.
    pub os_release: Vec<(String, String)>,
    /// `%u`: the manager's user name.
    pub user: String,
    /// `%U`
    pub uid: u32,
    /// `%g`
    pub group: String,
    /// `%G`
    pub gid: u32,
    /// `%h`
    pub home: String,
    /// `%s`
    pub shell: String,
    /// `%t`
    pub runtime_dir: String,
    /// `%S`
    pub state_dir: String,
    /// `%C`
    pub cache_dir: String,
    /// `%L`
    pub log_dir: String,
    /// `%E`
    pub config_dir: String,
    /// `%T`
    pub tmp_dir: String,
    /// `%V`
    pub var_tmp_dir: String,
    /// `%R`: the root of the manager's control groups, empty for that of the hierarchy.
    pub cgroup_root: String,
    /// `%d` without the unit's name: the directory of credentials.
    pub credentials_dir: String,
    /// What `NUMAMask=all` stands for: the nodes that are possible, as the kernel writes them (`0-3`).
    pub numa_nodes: String,
}

/// Where a text stands: unit names take fewer specifiers than other texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any text.
    Text,
    /// The name of a unit.
    UnitName,
}

/// What specifiers are replaced with, for one unit.
#[derive(Debug, Clone, Copy)]
pub struct Specifiers<'a> {
    /// The unit.
    pub name: &'a UnitName,
    /// Its main file.
    pub fragment: Option<&'a Path>,
    /// The slice that was set in an earlier line.
    pub slice: Option<&'a UnitName>,
    /// The machine and the manager.
    pub host: &'a Host,
}

impl Specifiers<'_> {
    /// Replaces all specifiers. An error (a sentence) means that there is none of a letter or digit, or that a known
    /// one has no value here. A percent sign before anything else stays as it is.
    pub fn expand(&self, text: &str, scope: Scope) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            let letter = after.get(1..).and_then(|t| t.chars().next());
            let Some(letter) = letter else {
                out.push('%');
                return Ok(out);
            };
            let length = 1 + letter.len_utf8();
            if letter == '%' {
                out.push('%');
            } else if let Some(value) = self.value(letter, scope)? {
                out.push_str(&value);
            } else if letter.is_ascii_alphanumeric() {
                return Err(format!("there is no specifier %{letter} here (a percent sign is written %%)"));
            } else {
                out.push_str(after.get(..length).unwrap_or(""));
            }
            rest = after.get(length..).unwrap_or("");
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The value of one specifier; `None` if there is none of this letter.
    fn value(&self, letter: char, scope: Scope) -> Result<Option<String>, String> {
        let name = self.name;
        let host = self.host;
        let instance = name.instance().unwrap_or("");
        let last = || name.prefix().rsplit('-').next().unwrap_or("").to_owned();
        let undo = |text: &str| unescape(text).map_err(|e| format!("%{letter}: {e}"));
        let value = match letter {
            'n' => name.as_str().to_owned(),
            'N' => name.stem().to_owned(),
            'p' => name.prefix().to_owned(),
            'i' => instance.to_owned(),
            'j' => last(),
            'a' => host.architecture.clone(),
            'A' => self.os_release("IMAGE_VERSION"),
            'b' => host.boot_id.clone(),
            'B' => self.os_release("BUILD_ID"),
            'H' => host.host_name.clone(),
            'l' => host.host_name.split('.').next().unwrap_or("").to_owned(),
            'm' => host.machine_id.clone(),
            'M' => self.os_release("IMAGE_ID"),
            'o' => self.os_release("ID"),
            'q' => host.pretty_host_name.clone(),
            'v' => host.kernel_release.clone(),
            'w' => self.os_release("VERSION_ID"),
            'W' => self.os_release("VARIANT_ID"),
            'g' => host.group.clone(),
            'G' => host.gid.to_string(),
            'u' => host.user.clone(),
            'U' => host.uid.to_string(),
            _ if scope == Scope::UnitName => return Ok(None),
            'P' => undo(name.prefix())?,
            'I' => undo(instance)?,
            'J' => undo(&last())?,
            'f' => {
                let escaped = name.instance().unwrap_or(name.prefix());
                path_unescape(escaped).map_err(|e| format!("%f: {e}"))?
            }
            'y' => self.fragment_text(letter, |path| Some(path))?,
            'Y' => self.fragment_text(letter, Path::parent)?,
            'h' => host.home.clone(),
            's' => host.shell.clone(),
            't' => host.runtime_dir.clone(),
            'S' => host.state_dir.clone(),
            'C' => host.cache_dir.clone(),
            'L' => host.log_dir.clone(),
            'E' => host.config_dir.clone(),
            'd' => format!("{}/{}", host.credentials_dir, name),
            'T' => host.tmp_dir.clone(),
            'V' => host.var_tmp_dir.clone(),
            // No longer in the manual, and still replaced. What counts is the slice that is known at this line.
            'c' => format!("{}/{name}", self.slice_path()),
            'r' => self.slice_path(),
            'R' => host.cgroup_root.clone(),
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    /// The control group of the unit's slice: `a-b.slice` is in `/a.slice/a-b.slice`.
    fn slice_path(&self) -> String {
        let mut path = self.host.cgroup_root.clone();
        let stem = self.slice.map(UnitName::stem).filter(|stem| *stem != "-").unwrap_or("");
        let ends = stem.match_indices('-').map(|(at, _)| at).chain(Some(stem.len()).filter(|length| *length > 0));
        for part in ends.filter_map(|end| stem.get(..end)) {
            path.push_str(&format!("/{part}.slice"));
        }
        path
    }

    fn os_release(&self, field: &str) -> String {
        let found = self.host.os_release.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn fragment_text(&self, letter: char, part: impl Fn(&Path) -> Option<&Path>) -> Result<String, String> {
        let path = self.fragment.and_then(part);
        path.map(|p| p.display().to_string()).ok_or_else(|| format!("%{letter}: the unit has no file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let name = UnitName::parse(r"a-b\x2dc@dev-sd\x2da.service").unwrap();
        let host = Host {
            host_name: "box.example".to_owned(),
            os_release: vec![("ID".to_owned(), "debian".to_owned())],
            home: "/root".to_owned(),
            credentials_dir: "/run/credentials".to_owned(),
            ..Host::default()
        };
        let fragment = Path::new("/etc/x/a@.service");
        let slice = UnitName::parse("a-b.slice").unwrap();
        let specifiers = Specifiers { name: &name, fragment: Some(fragment), slice: Some(&slice), host: &host };
        for (text, expected) in [
            ("%n", r"a-b\x2dc@dev-sd\x2da.service"),
            ("%N", r"a-b\x2dc@dev-sd\x2da"),
            ("%p %P", r"a-b\x2dc a/b-c"),
            ("%i %I %f", r"dev-sd\x2da dev/sd-a /dev/sd-a"),
            ("%j %J", r"b\x2dc b-c"),
            ("%H %l %o %h", "box.example box debian /root"),
            ("%y %Y", "/etc/x/a@.service /etc/x"),
            ("100%% %- %é 5%", "100% %- %é 5%"),
            ("%d", r"/run/credentials/a-b\x2dc@dev-sd\x2da.service"),
        ] {
            assert_eq!(specifiers.expand(text, Scope::Text).as_deref(), Ok(expected), "{text}");
        }
        // The name of a unit takes none that undoes escapes.
        assert!(specifiers.expand("x@%I.service", Scope::UnitName).is_err());
        let in_name = specifiers.expand("x@%i.service", Scope::UnitName);
        assert_eq!(in_name.as_deref(), Ok(r"x@dev-sd\x2da.service"));
        for text in ["%z", "a%0", "100%% %zbad"] {
            assert!(specifiers.expand(text, Scope::Text).is_err(), "{text}");
        }
        let own = Host { cgroup_root: "/box".to_owned(), ..Host::default() };
        for (slice, expected) in [
            (Some("a-b.slice"), "/box/a.slice/a-b.slice/x.service /box/a.slice/a-b.slice /box"),
            (Some("-.slice"), "/box/x.service /box /box"),
            (None, "/box/x.service /box /box"),
        ] {
            let (name, slice) = (UnitName::parse("x.service").unwrap(), slice.map(|s| UnitName::parse(s).unwrap()));
            let specifiers = Specifiers { name: &name, fragment: None, slice: slice.as_ref(), host: &own };
            assert_eq!(specifiers.expand("%c %r %R", Scope::Text).as_deref(), Ok(expected));
        }
    }
}

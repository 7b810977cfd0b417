//! The `[Install]` section: its lines, words and specifiers.

use crate::name::UnitName;
use crate::specifier::Host;
use crate::syntax::Assignment;
use crate::unit_type::UnitType;

/// What a unit file says about its installation. Words as written; specifiers are expanded when they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Install {
    pub aliases: Vec<String>,
    pub wanted_by: Vec<String>,
    pub required_by: Vec<String>,
    pub also: Vec<String>,
    pub default_instance: Option<String>,
}

impl Install {
    /// Whether enabling the unit makes links.
    pub fn has_rules(&self) -> bool {
        let lists = [&self.aliases, &self.wanted_by, &self.required_by];
        lists.into_iter().any(|list| !list.is_empty())
    }

    /// Reads a file (or a drop-in on top of it). An empty assignment resets its list, but that of `Also=`. Gives the units
    /// that `Also=` names.
    ///
    /// # Errors
    /// [`BadName`]; what comes after it is not read.
    pub fn read(&mut self, file: &[Assignment], unit: &UnitName, host: &Host) -> Result<Vec<UnitName>, BadName> {
        let mut named = Vec::new();
        for Assignment { key, value, .. } in file.iter().filter(|assignment| assignment.section == "Install") {
            let list = match key.as_str() {
                "Alias" if !may_alias(unit.unit_type()) => continue,
                "Alias" => &mut self.aliases,
                "WantedBy" => &mut self.wanted_by,
                "RequiredBy" => &mut self.required_by,
                "Also" => &mut self.also,
                "DefaultInstance" => {
                    // An instance of a template has its instance already.
                    if unit.is_template() {
                        self.default_instance = instance(value, unit, host)?;
                    }
                    continue;
                }
                _ => continue,
            };
            if key == "Also" {
                let also =
                    words(value).into_iter().map(|other| expand(&other, unit, self.default_instance.as_deref(), host));
                for other in also {
                    named.push(UnitName::parse(&other).map_err(|_| BadName)?);
                }
            }
            if value.is_empty() && key != "Also" {
                list.clear();
            } else {
                list.extend(words(value));
            }
        }
        Ok(named)
    }
}

/// `DefaultInstance=` or `Also=` with something that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadName;

fn instance(value: &str, unit: &UnitName, host: &Host) -> Result<Option<String>, BadName> {
    let expanded = expand(value, unit, None, host);
    if expanded.is_empty() {
        return Ok(None);
    }
    let fits = UnitName::parse(&format!("x@{expanded}.service")).is_ok_and(|name| name.instance() == Some(&*expanded));
    if fits { Ok(Some(expanded)) } else { Err(BadName) }
}

/// Types that can have aliases (systemd.unit(5), Alias=).
pub(super) fn may_alias(unit_type: UnitType) -> bool {
    matches!(
        unit_type,
        UnitType::Service | UnitType::Socket | UnitType::Target | UnitType::Device | UnitType::Timer | UnitType::Path
    )
}

/// Words at white space, quotes taken off.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Expands the specifiers that `[Install]` knows (systemd.unit(5), "Specifiers"): those of the name, the machine and the
/// manager's user. A template counts as its default instance. An unknown specifier stays as it is.
pub(super) fn expand(text: &str, name: &UnitName, default_instance: Option<&str>, host: &Host) -> String {
    let instantiated = match default_instance {
        Some(instance) if name.is_template() => name.with_instance(instance).unwrap_or_else(|_| name.clone()),
        Some(_) | None => name.clone(),
    };
    let release = |field: &str| {
        host.os_release.iter().find(|(key, _)| key == field).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut expanded = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            expanded.push(c);
            continue;
        }
        let Some(specifier) = characters.next() else {
            expanded.push('%');
            break;
        };
        let value = match specifier {
            '%' => "%".to_owned(),
            'i' => instantiated.instance().unwrap_or_default().to_owned(),
            'j' => instantiated.prefix().rsplit('-').next().unwrap_or_default().to_owned(),
            'n' => instantiated.as_str().to_owned(),
            'N' => instantiated.stem().to_owned(),
            'p' => instantiated.prefix().to_owned(),
            'a' => host.architecture.clone(),
            'b' => host.boot_id.clone(),
            'H' => host.host_name.clone(),
            'l' => host.host_name.split('.').next().unwrap_or_default().to_owned(),
            'm' => host.machine_id.clone(),
            'v' => host.kernel_release.clone(),
            'o' => release("ID"),
            'w' => release("VERSION_ID"),
            'B' => release("BUILD_ID"),
            'W' => release("VARIANT_ID"),
            'A' => release("IMAGE_VERSION"),
            'M' => release("IMAGE_ID"),
            'g' => host.group.clone(),
            'G' => host.gid.to_string(),
            'u' => host.user.clone(),
            'U' => host.uid.to_string(),
            other => format!("%{other}"),
        };
        expanded.push_str(&value);
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_install_section_counts_and_empty_resets() {
        let text = "[Unit]\nAlias=no.service\n[Install]\n# WantedBy=no.target\nWantedBy=a.target \\\n; between\n  \"b.target\"\nAlias=x.service\nAlias=\nAlso=c.socket\n[Service]\nAlias=no.service\n";
        let mut install = Install::default();
        install
            .read(
                &crate::syntax::parse(text.as_bytes(), "a.service".as_ref()).assignments,
                &UnitName::parse("a.service").unwrap(),
                &Host::default(),
            )
            .unwrap();
        assert_eq!(install.wanted_by, ["a.target", "b.target"]);
        assert!(install.aliases.is_empty());
        assert_eq!(install.also, ["c.socket"]);
    }

    #[test]
    fn a_template_counts_as_its_default_instance() {
        let host = Host { host_name: "box.example".into(), ..Host::default() };
        let template = UnitName::parse("a-b@.service").unwrap();
        let table = [
            ("%p-%i.target", Some("def"), "a-b-def.target"),
            ("%N/%j/%n", Some("def"), "a-b@def/b/a-b@def.service"),
            ("%l %H %% %z %", None, "box box.example % %z %"),
            ("x@%i.target", None, "x@.target"),
        ];
        for (text, instance, expected) in table {
            assert_eq!(expand(text, &template, instance, &host), expected);
        }
    }
}

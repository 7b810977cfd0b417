//! Which names may stand for which unit (systemd.unit(5), Alias=).

use crate::name::UnitName;

use super::section::may_alias;

/// What an `Alias=` comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Alias {
    /// A link of this path below the directory.
    Link(String),
    /// The unit's own name: nothing to do, and no error.
    Own,
    /// A name that this unit cannot have.
    Incompatible(String),
    /// A path that is not in a dependency directory.
    BadReference(String),
}

/// Checks `alias` (specifiers expanded) for a unit.
pub(super) fn verify(alias: &str, target: &UnitName) -> Alias {
    if let Some((directory, name)) = alias.rsplit_once('/') {
        return verify_dependency_link(alias, directory, name, target);
    }
    let Ok(mut name) = UnitName::parse(alias) else {
        return Alias::Incompatible(alias.to_owned());
    };
    // A template as alias of an instance gets that instance.
    if name.is_template()
        && let Some(instance) = target.instance()
        && let Ok(instantiated) = name.with_instance(instance)
    {
        name = instantiated;
    }
    if name == *target {
        return Alias::Own;
    }
    if compatible(&name, target) { Alias::Link(name.to_string()) } else { Alias::Incompatible(name.to_string()) }
}

/// The old spelling `Alias=foo.target.wants/bar.service`.
fn verify_dependency_link(alias: &str, directory: &str, name: &str, target: &UnitName) -> Alias {
    let dependent = directory.strip_suffix(".wants").or_else(|| directory.strip_suffix(".requires"));
    let Some(dependent) = dependent.and_then(|dependent| UnitName::parse(dependent).ok()) else {
        return Alias::BadReference(alias.to_owned());
    };
    let Ok(name) = UnitName::parse(name) else {
        return Alias::Incompatible(alias.to_owned());
    };
    let same = name == *target
        || name.template().is_some_and(|template| template == *target)
        || (dependent.is_template() && target.template().is_some_and(|template| template == name));
    if same { Alias::Link(alias.to_owned()) } else { Alias::Incompatible(alias.to_owned()) }
}

/// Same type, one that can have aliases, and plain for plain, template for template, instance for the same instance or
/// for its template.
fn compatible(alias: &UnitName, target: &UnitName) -> bool {
    if alias.unit_type() != target.unit_type() || !may_alias(alias.unit_type()) {
        return false;
    }
    match (alias.instance(), target.instance()) {
        (Some(one), Some(other)) => one == other,
        (Some(_), None) => target.is_template(),
        (None, Some(_)) => false,
        (None, None) => alias.is_template() == target.is_template(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases() {
        let table = [
            ("b.service", "a.service", Alias::Link("b.service".into())),
            ("a.service", "a.service", Alias::Own),
            ("b.socket", "a.service", Alias::Incompatible("b.socket".into())),
            ("b@.service", "a@.service", Alias::Link("b@.service".into())),
            ("b@.service", "a@x.service", Alias::Link("b@x.service".into())),
            ("b@y.service", "a@x.service", Alias::Incompatible("b@y.service".into())),
            ("b@y.service", "a@.service", Alias::Link("b@y.service".into())),
            ("b.service", "a@x.service", Alias::Incompatible("b.service".into())),
            ("b@.service", "a.service", Alias::Incompatible("b@.service".into())),
            ("t.target.wants/a.service", "a.service", Alias::Link("t.target.wants/a.service".into())),
            ("t.target.wants/b.service", "a.service", Alias::Incompatible("t.target.wants/b.service".into())),
            ("t.target/a.service", "a.service", Alias::BadReference("t.target/a.service".into())),
        ];
        for (alias, target, expected) in table {
            assert_eq!(verify(alias, &UnitName::parse(target).unwrap()), expected, "{alias} for {target}");
        }
    }
}

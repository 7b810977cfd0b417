//! Unit files as text in a map.

use std::collections::BTreeMap;
use std::path::PathBuf;

use unit_broker::core::{Invocation, Tested, World};
use unit_parser::parse::{Assigned, Context, assign};
use unit_parser::specifier::Specifiers;
use unit_parser::{
    Condition, DependencyKind, Edge, Host, Kind, LoadState, Origin, Rule, Source, Unit, UnitName, UnitType, Value,
    lookup, row,
};

/// Only what is written counts: no default dependencies, so that scenarios show what they are about.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub texts: BTreeMap<String, String>,
    pub counter: u128,
    /// Every daemon-reload reads everything.
    pub forgetful: bool,
}

impl Files {
    /// Reads a unit's text. Lines are `Directive=value`; the section follows from the directive.
    fn read(&self, name: &UnitName) -> Unit {
        let mut unit = Unit::new(name.clone());
        let template = name.template().map(|template| template.as_str().to_owned());
        let text = self.texts.get(name.as_str()).or_else(|| template.and_then(|template| self.texts.get(&template)));
        let Some(text) = text else {
            unit.load_state = LoadState::NotFound;
            return unit;
        };
        unit.load_state = LoadState::Loaded;
        unit.fragment = Some(PathBuf::from(name.as_str()));
        unit.set(lookup("Unit", "DefaultDependencies").unwrap(), Value::Bool(false), Origin::default());
        for (number, line) in (1u32..).zip(text.lines()) {
            if let Some(state) = line.strip_prefix("is ") {
                unit.load_state = match state {
                    "masked" => LoadState::Masked,
                    "bad-setting" => LoadState::BadSetting,
                    other => panic!("unknown load state {other}"),
                };
                continue;
            }
            if let Some(other) = line.strip_prefix("alias of ") {
                return self.read(&UnitName::parse(other).unwrap());
            }
            if let Some(alias) = line.strip_prefix("also ") {
                unit.aliases.push(UnitName::parse(alias).unwrap());
                continue;
            }
            self.set(&mut unit, line, number);
        }
        unit
    }

    fn set(&self, unit: &mut Unit, line: &str, number: u32) {
        let (key, text) = line.split_once('=').unwrap_or_else(|| panic!("{}: {line}", unit.name));
        let id = lookup("Unit", key)
            .or_else(|| lookup(unit.name.unit_type().interface(), key))
            .unwrap_or_else(|| panic!("{}: unknown {key}", unit.name));
        let origin = Origin { file: 0, line: number };
        let host = Host::default();
        let name = unit.name.clone();
        let specifiers = Specifiers { name: &name, fragment: None, slice: None, host: &host };
        let mut context = Context { specifiers, origin, problems: Vec::new() };
        let stored = id.storage();
        let old = unit.setting(stored).map(|setting| setting.value.clone());
        match assign(row(id), text, old.as_ref(), &mut context) {
            Assigned::Set(value) => unit.set(stored, value, origin),
            Assigned::Add(value) => unit.add(stored, value, origin),
            Assigned::Unset => unit.unset(stored),
            Assigned::Keep => panic!("{}: {line} was not taken", unit.name),
        }
    }
}

impl World for Files {
    fn load(&mut self, name: &UnitName) -> Unit {
        self.read(name)
    }

    fn dependencies(&mut self, unit: &Unit) -> Vec<Edge> {
        let mut edges = Vec::new();
        for setting in unit.settings() {
            let (Kind::Units(kind), Value::Units(list)) = (row(setting.row).kind, &setting.value) else { continue };
            for (name, origin) in list.names.iter().zip(&list.origins) {
                let source = Source::File(*origin);
                edges.push(Edge { kind, other: name.clone(), source });
            }
        }
        let accept = unit.bool(unit_parser::rows::socket::ACCEPT);
        if unit.name.unit_type() == UnitType::Socket && unit.load_state == LoadState::Loaded && !accept {
            let other = unit.name.with_type(UnitType::Service).unwrap();
            for kind in [DependencyKind::Triggers, DependencyKind::Before] {
                let source = Source::Implicit(Rule::ConnectionOfSocket);
                edges.push(Edge { kind, other: other.clone(), source });
            }
        }
        edges
    }

    fn refresh(&mut self) {}

    fn is_current(&mut self, unit: &Unit) -> bool {
        !self.forgetful && self.read(&unit.name) == *unit
    }

    fn test(&mut self, _unit: &Unit, condition: &Condition) -> Tested {
        let exists = condition.parameter == "/yes";
        if exists != condition.negate { Tested::Met } else { Tested::Unmet }
    }

    fn random_id(&mut self) -> Invocation {
        self.counter += 1;
        self.counter.to_be_bytes()
    }
}

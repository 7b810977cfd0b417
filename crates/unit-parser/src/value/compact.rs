//! Loaded units stay in memory for as long as the manager runs: nothing is kept that isn't needed.

use std::collections::HashSet;

use super::{Address, Value};
use crate::name::UnitName;

/// Unit names that occur in many units, each once.
#[derive(Debug, Default)]
pub struct SharedNames(HashSet<UnitName>);

impl SharedNames {
    /// Makes a name share the memory of an equal one.
    pub(crate) fn share(&mut self, name: &mut UnitName) {
        match self.0.get(name.as_str()) {
            Some(known) => *name = known.clone(),
            None => {
                self.0.insert(name.clone());
            }
        }
    }
}

fn strings(list: &mut Vec<String>) {
    list.shrink_to_fit();
    list.iter_mut().for_each(String::shrink_to_fit);
}

fn pairs(list: &mut Vec<(String, String)>) {
    list.shrink_to_fit();
    for (key, value) in list {
        key.shrink_to_fit();
        value.shrink_to_fit();
    }
}

impl Value {
    /// Gives back memory that growing lists and texts left over.
    pub(crate) fn compact(&mut self, names: &mut SharedNames) {
        match self {
            Value::List(list) => strings(list),
            Value::Environment(list) | Value::Pairs(list) => pairs(list),
            Value::Units(list) => {
                list.names.shrink_to_fit();
                list.origins.shrink_to_fit();
                list.names.iter_mut().for_each(|name| names.share(name));
            }
            Value::Exec(commands) => {
                commands.shrink_to_fit();
                for command in commands {
                    command.path.shrink_to_fit();
                    strings(&mut command.argv);
                }
            }
            Value::Conditions(list) => {
                list.shrink_to_fit();
                list.iter_mut().for_each(|condition| condition.parameter.shrink_to_fit());
            }
            Value::Listen(list) => {
                list.shrink_to_fit();
                for listen in list {
                    listen.text.shrink_to_fit();
                    if let Address::Path(text) | Address::Abstract(text) = &mut listen.address {
                        text.shrink_to_fit();
                    }
                }
            }
            Value::ExitStatus(set) => {
                set.codes.shrink_to_fit();
                set.signals.shrink_to_fit();
            }
            Value::Unset
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Usec(_)
            | Value::Size(_)
            | Value::Permyriad(_)
            | Value::Mode(_)
            | Value::Signal(_)
            | Value::Str(_)
            | Value::Word(_)
            | Value::Rlimit(_) => {}
        }
    }
}

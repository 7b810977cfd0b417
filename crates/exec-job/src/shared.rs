//! The namespaces that the processes of a unit share, and those that are joined with it.

use std::os::fd::RawFd;

use sys::executor::Namespace;
use unit_parser::rows::exec;
use unit_parser::{RowId, Unit};

/// The network namespace that a unit asks for: `NetworkNamespacePath=` wins over `PrivateNetwork=`.
pub fn network(unit: &Unit) -> Option<Namespace> {
    wanted(unit, exec::PRIVATE_NETWORK, exec::NETWORK_NAMESPACE_PATH)
}

/// The IPC namespace that a unit asks for: `IPCNamespacePath=` wins over `PrivateIPC=`.
pub fn ipc(unit: &Unit) -> Option<Namespace> {
    wanted(unit, exec::PRIVATE_IPC, exec::IPC_NAMESPACE_PATH)
}

/// What somebody holds for the run comes before what the unit asks for; a unit that asks for nothing gets nothing.
pub(super) fn held_or(wanted: Option<Namespace>, held: Option<RawFd>) -> Option<Namespace> {
    wanted.map(|wanted| held.map_or(wanted, Namespace::Fd))
}

fn wanted(unit: &Unit, private: RowId, path: RowId) -> Option<Namespace> {
    match unit.str(path) {
        "" => unit.bool(private).then_some(Namespace::New),
        path => Some(Namespace::Path(path.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, Value};

    #[test]
    fn the_path_wins() {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        assert_eq!(network(&unit), None);
        unit.set(exec::PRIVATE_NETWORK, Value::Bool(true), Origin::default());
        assert_eq!(network(&unit), Some(Namespace::New));
        unit.set(exec::NETWORK_NAMESPACE_PATH, Value::Str("/run/netns/a".into()), Origin::default());
        assert_eq!(network(&unit), Some(Namespace::Path("/run/netns/a".into())));
        assert_eq!(ipc(&unit), None);
        assert_eq!(held_or(network(&unit), Some(7)), Some(Namespace::Fd(7)));
        assert_eq!(held_or(ipc(&unit), Some(7)), None);
    }
}

//! What a unit's processes see of the file system.

use std::path::PathBuf;

use sys::executor::{Bind, MountNamespace, PrivateTmp, ProtectHome, ProtectSystem};
use unit_parser::rows::exec;
use unit_parser::{RowId, Unit};

/// A mount namespace, if any setting needs one.
pub(super) fn namespace(
    unit: &Unit,
    private_tmp: Option<PrivateTmp>,
    notify_socket: Option<&str>,
) -> Option<MountNamespace> {
    let mut binds: Vec<Bind> = unit.list(exec::BIND_PATHS).iter().filter_map(|text| bind(text, false)).collect();
    binds.extend(unit.list(exec::BIND_READ_ONLY_PATHS).iter().filter_map(|text| bind(text, true)));
    let mut inaccessible = unit.list(exec::INACCESSIBLE_PATHS).to_vec();
    if unit.bool(exec::PROTECT_KERNEL_LOGS) {
        inaccessible.extend(["-/proc/kmsg", "-/dev/kmsg"].map(String::from));
    }
    let root = !unit.str(exec::ROOT_DIRECTORY).is_empty();
    // Readiness is told from below another root too.
    binds.extend(notify_socket.filter(|_| root).and_then(|path| bind(&format!("-{path}"), false)));
    let namespace = MountNamespace {
        private_tmp,
        api: root && unit.bool(exec::MOUNT_APIVFS),
        private_devices: unit.bool(exec::PRIVATE_DEVICES),
        protect_system: match word(unit, exec::PROTECT_SYSTEM) {
            "yes" => ProtectSystem::Yes,
            "full" => ProtectSystem::Full,
            "strict" => ProtectSystem::Strict,
            _ => ProtectSystem::No,
        },
        protect_home: match word(unit, exec::PROTECT_HOME) {
            "yes" => ProtectHome::Yes,
            "read-only" => ProtectHome::ReadOnly,
            "tmpfs" => ProtectHome::Tmpfs,
            _ => ProtectHome::No,
        },
        protect_kernel_tunables: unit.bool(exec::PROTECT_KERNEL_TUNABLES),
        protect_hostname: protects_hostname(unit),
        protect_kernel_modules: unit.bool(exec::PROTECT_KERNEL_MODULES),
        protect_control_groups: !matches!(word(unit, exec::PROTECT_CONTROL_GROUPS), "no" | ""),
        message_queues: crate::shared::ipc(unit).is_some(),
        proc_options: proc_options(unit),
        read_only: unit.list(exec::READ_ONLY_PATHS).to_vec(),
        read_write: unit.list(exec::READ_WRITE_PATHS).to_vec(),
        inaccessible,
        executable: executable(unit),
        propagation: propagation(unit),
        temporary: unit.pairs(exec::TEMPORARY_FILE_SYSTEM).to_vec(),
        binds,
    };
    // The UTS namespace holds what ProtectHostname= protects: as in systemd its files alone are no reason for another namespace.
    let alone = MountNamespace { protect_hostname: namespace.protect_hostname, ..MountNamespace::default() };
    // Another root comes with a namespace.
    let wanted = root || unit.bool(exec::PRIVATE_MOUNTS) || namespace != alone;
    wanted.then_some(namespace)
}

/// `MountFlags=`; shared is what it is anyway.
fn propagation(unit: &Unit) -> u64 {
    Some(unit.uint(exec::MOUNT_FLAGS)).filter(|flags| *flags != nix::mount::MsFlags::MS_SHARED.bits()).unwrap_or(0)
}

/// `ProtectHostname=`: its own UTS namespace, in which the names can't be changed.
pub(super) fn protects_hostname(unit: &Unit) -> bool {
    unit.bool(exec::PROTECT_HOSTNAME) || unit.word(exec::PROTECT_HOSTNAME) == "yes"
}

/// `ExecPaths=` and `NoExecPaths=`.
fn executable(unit: &Unit) -> Vec<(String, bool)> {
    let of = |row, yes| unit.list(row).iter().map(move |path| (path.clone(), yes));
    of(exec::EXEC_PATHS, true).chain(of(exec::NO_EXEC_PATHS, false)).collect()
}

/// `ProtectProc=` and `ProcSubset=` as proc(5) calls them.
fn proc_options(unit: &Unit) -> Option<String> {
    let hide = match unit.word(exec::PROTECT_PROC) {
        "default" | "" => None,
        word => Some(format!("hidepid={word}")),
    };
    let subset = (unit.word(exec::PROC_SUBSET) == "pid").then(|| "subset=pid".to_owned());
    let options: Vec<String> = hide.into_iter().chain(subset).collect();
    (!options.is_empty()).then(|| options.join(","))
}

/// A boolean or a word, as a word.
fn word(unit: &Unit, row: RowId) -> &str {
    if unit.bool(row) { "yes" } else { unit.word(row) }
}

/// `[-]SOURCE[:TARGET[:OPTIONS]]`
fn bind(text: &str, read_only: bool) -> Option<Bind> {
    let (missing_ok, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(3, ':');
    let source = PathBuf::from(parts.next().filter(|source| !source.is_empty())?);
    let target = parts.next().filter(|target| !target.is_empty()).map_or_else(|| source.clone(), PathBuf::from);
    let not_recursive = parts.next() == Some("norbind");
    Some(Bind { source, target, read_only, not_recursive, missing_ok })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_forms() {
        let full = bind("-/a:/b:norbind", true).unwrap();
        assert!(full.missing_ok && full.not_recursive && full.read_only);
        assert_eq!((full.source, full.target), ("/a".into(), "/b".into()));
        assert_eq!(bind("/a", false).unwrap().target, PathBuf::from("/a"));
        assert_eq!(bind("", false), None);
    }
}

//! What follows from `DefaultDependencies=yes` (the manual pages' "Default Dependencies").

use super::DependencyKind::{After, Before, Conflicts, Requires, Wants};
use super::{Edges, Rule, Source};
use crate::table::rows;
use crate::unit_type::UnitType;

const SYSINIT: &str = "sysinit.target";
const BASIC: &str = "basic.target";

pub(super) fn add(edges: &mut Edges<'_>) {
    if !edges.unit.bool(rows::unit::DEFAULT_DEPENDENCIES) {
        return;
    }
    match edges.unit.name.unit_type() {
        UnitType::Service => {
            // A user manager has no sysinit.target.
            if edges.unit.user_manager {
                edges.add_all(&[Requires], BASIC, rule(Rule::BasicSystem));
            } else {
                initialized(edges);
            }
            edges.add_all(&[After], BASIC, rule(Rule::BasicSystem));
            shutdown(edges);
        }
        UnitType::Socket => {
            edges.add_all(&[Before], "sockets.target", rule(Rule::MemberOfSockets));
            initialized(edges);
            shutdown(edges);
        }
        UnitType::Timer => {
            edges.add_all(&[Before], "timers.target", rule(Rule::MemberOfTimers));
            initialized(edges);
            calendar(edges);
            shutdown(edges);
        }
        UnitType::Path => {
            edges.add_all(&[Before], "paths.target", rule(Rule::MemberOfPaths));
            initialized(edges);
            shutdown(edges);
        }
        UnitType::Target | UnitType::Scope => shutdown(edges),
        UnitType::Slice if edges.unit.name.as_str() != "-.slice" => shutdown(edges),
        UnitType::Mount => mount(edges),
        UnitType::Automount => {
            if !edges.unit.user_manager {
                let source = rule(Rule::MemberOfFileSystems);
                edges.add_all(&[After], "local-fs-pre.target", source);
                edges.add_all(&[Before], "local-fs.target", source);
            }
            unmount(edges);
        }
        UnitType::Swap => {
            edges.add_all(&[Before], "swap.target", rule(Rule::MemberOfSwap));
            unmount(edges);
        }
        UnitType::Slice | UnitType::Device => {}
    }
}

fn rule(rule: Rule) -> Source {
    Source::Default(rule)
}

fn initialized(edges: &mut Edges<'_>) {
    if !edges.unit.user_manager {
        edges.add_all(&[Requires, After], SYSINIT, rule(Rule::SystemInitialized));
    }
}

fn shutdown(edges: &mut Edges<'_>) {
    edges.add_all(&[Before, Conflicts], "shutdown.target", rule(Rule::StopsAtShutdown));
}

fn unmount(edges: &mut Edges<'_>) {
    edges.add_all(&[Before, Conflicts], "umount.target", rule(Rule::StopsAtUnmount));
}

fn calendar(edges: &mut Edges<'_>) {
    let specs = edges.unit.pairs(rows::timer::ON_CALENDAR);
    if !edges.unit.user_manager && specs.iter().any(|(name, _)| name == "OnCalendar") {
        let source = rule(Rule::CalendarNeedsClock);
        edges.add_all(&[After], "time-sync.target", source);
        edges.add_all(&[After], "time-set.target", source);
    }
}

const NETWORK_TYPES: &[&str] = &[
    "afs",
    "ceph",
    "cifs",
    "smb3",
    "smbfs",
    "sshfs",
    "ncpfs",
    "ncp",
    "nfs",
    "nfs4",
    "gfs",
    "gfs2",
    "glusterfs",
    "pvfs2",
    "ocfs2",
    "lustre",
    "davfs",
];

/// systemd.mount(5). Mounts that the system can't live without stay until the very end.
fn mount(edges: &mut Edges<'_>) {
    use rows::mount as m;
    let unit = edges.unit;
    if unit.user_manager || crate::parse::path::is_extrinsic(unit.str(m::WHERE)) {
        return;
    }
    let options: Vec<&str> = unit.str(m::OPTIONS).split(',').collect();
    let file_system = unit.str(m::TYPE);
    let base_type = file_system.strip_prefix("fuse.").unwrap_or(file_system);
    let network = options.contains(&"_netdev") || NETWORK_TYPES.contains(&base_type);
    let nofail = options.contains(&"nofail");
    let source = rule(Rule::MemberOfFileSystems);
    let (before, target) = if network {
        edges.add_all(&[After], "remote-fs-pre.target", source);
        edges.add_all(&[After], "network.target", source);
        edges.add_all(&[Wants, After], "network-online.target", source);
        ("remote-fs-pre.target", "remote-fs.target")
    } else {
        ("local-fs-pre.target", "local-fs.target")
    };
    edges.add_all(&[After], before, source);
    if !nofail {
        edges.add_all(&[Before], target, source);
    }
    unmount(edges);
    if file_system == "tmpfs" {
        // What is in it may have to go to memory that a swap gives back.
        edges.add_all(&[After], "swap.target", source);
    }
}

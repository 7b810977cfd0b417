//! What systemd refuses: settings that contradict each other or lack something.

use crate::table::rows;
use crate::unit::Unit;
use crate::unit_type::UnitType;
use crate::value::{Address, ListenKind};

/// Why the unit can't be used: a code and a sentence; `None` if it can.
pub(super) fn verify(unit: &Unit) -> Option<(&'static str, String)> {
    let why = match unit.name.unit_type() {
        UnitType::Service => service(unit),
        UnitType::Socket => socket(unit),
        UnitType::Timer => timer(unit),
        UnitType::Path => path(unit),
        UnitType::Mount => mount(unit),
        UnitType::Automount => automount(unit),
        UnitType::Swap => swap(unit),
        UnitType::Slice => slice(unit),
        UnitType::Target | UnitType::Device | UnitType::Scope => None,
    };
    why.map(|(code, text)| (code, text.to_owned()))
}

type Refusal = Option<(&'static str, &'static str)>;

fn service(unit: &Unit) -> Refusal {
    use rows::service as s;
    let start = unit.exec(s::EXEC_START);
    let kind = unit.word(s::TYPE);
    let oneshot = kind == "oneshot";
    let no_success_action = unit.word(rows::unit::SUCCESS_ACTION) == "none";
    let restart = unit.word(s::RESTART);
    let kill_mode = unit.word(rows::kill::KILL_MODE);
    if start.is_empty() && unit.exec(s::EXEC_STOP).is_empty() && no_success_action {
        Some(("no-command", "the service has neither ExecStart= nor ExecStop= nor SuccessAction="))
    } else if start.is_empty() && !oneshot {
        Some(("no-exec-start", "only a service of Type=oneshot may lack ExecStart="))
    } else if start.is_empty() && !unit.bool(s::REMAIN_AFTER_EXIT) && no_success_action {
        let text = "a service without ExecStart= needs RemainAfterExit=yes or SuccessAction=";
        Some(("no-exec-start", text))
    } else if start.len() > 1 && !oneshot {
        Some(("several-exec-start", "only a service of Type=oneshot may have several ExecStart="))
    } else if oneshot && matches!(restart, "always" | "on-success") {
        Some(("oneshot-restart", "Type=oneshot doesn't go with Restart=always or on-success"))
    } else if oneshot && unit.exit_status(s::RESTART_FORCE_EXIT_STATUS).is_some_and(|s| !s.is_empty()) {
        Some(("oneshot-restart", "Type=oneshot doesn't go with RestartForceExitStatus="))
    } else if oneshot && unit.word(s::EXIT_TYPE) == "cgroup" {
        Some(("oneshot-exit-type", "Type=oneshot doesn't go with ExitType=cgroup"))
    } else if kind == "dbus" && unit.str(s::BUS_NAME).is_empty() {
        Some(("no-bus-name", "Type=dbus needs BusName="))
    } else if pam(unit) && !matches!(kill_mode, "control-group" | "mixed") {
        Some(("pam-kill-mode", "PAMName= needs KillMode=control-group or mixed"))
    } else {
        None
    }
}

fn pam(unit: &Unit) -> bool {
    !unit.str(rows::exec::PAM_NAME).is_empty()
}

fn socket(unit: &Unit) -> Refusal {
    use rows::socket as s;
    let addresses = unit.listen();
    let accept = unit.bool(s::ACCEPT);
    let connections = |kind| matches!(kind, ListenKind::Stream | ListenKind::SequentialPacket);
    let files = addresses.iter().filter(|a| {
        matches!(a.address, Address::Path(_))
            && (connections(a.kind) || matches!(a.kind, ListenKind::Datagram | ListenKind::Fifo))
    });
    if addresses.is_empty() {
        Some(("no-listen", "the socket unit listens on nothing"))
    } else if accept && !addresses.iter().all(|a| connections(a.kind)) {
        Some(("accept", "Accept=yes goes with connections only"))
    } else if accept && unit.uint(s::MAX_CONNECTIONS) == 0 {
        Some(("accept", "Accept=yes needs MaxConnections= above 0"))
    } else if accept && unit.is_set(s::SERVICE) {
        Some(("accept", "Accept=yes doesn't go with Service="))
    } else if !unit.list(s::SYMLINKS).is_empty() && files.count() != 1 {
        Some(("symlinks", "Symlinks= needs exactly one address in the file system"))
    } else {
        None
    }
}

fn timer(unit: &Unit) -> Refusal {
    use rows::timer as t;
    let nothing =
        unit.pairs(t::ON_CALENDAR).is_empty() && !unit.bool(t::ON_CLOCK_CHANGE) && !unit.bool(t::ON_TIMEZONE_CHANGE);
    nothing.then_some(("no-timer", "the timer never elapses: it has no On…= setting"))
}

fn path(unit: &Unit) -> Refusal {
    let nothing = unit.pairs(rows::path::PATH_EXISTS).is_empty();
    nothing.then_some(("no-path", "the path unit watches nothing"))
}

fn names_path(unit: &Unit, path: &str) -> bool {
    unit.name.to_path().is_some_and(|own| own == path)
}

fn mount(unit: &Unit) -> Refusal {
    use rows::mount as m;
    if !names_path(unit, unit.str(m::WHERE)) {
        Some(("where", "Where= doesn't match the unit's name"))
    } else if unit.fragment.is_some() && unit.str(m::WHAT).is_empty() {
        Some(("what", "What= is missing"))
    } else {
        None
    }
}

fn automount(unit: &Unit) -> Refusal {
    let place = unit.str(rows::automount::WHERE);
    if place == "/" {
        Some(("where", "the root directory can't be mounted on access"))
    } else if !names_path(unit, place) {
        Some(("where", "Where= doesn't match the unit's name"))
    } else {
        None
    }
}

fn swap(unit: &Unit) -> Refusal {
    let what = unit.str(rows::swap::WHAT);
    if what.is_empty() {
        Some(("what", "What= is missing"))
    } else if !names_path(unit, what) {
        Some(("what", "What= doesn't match the unit's name"))
    } else {
        None
    }
}

fn slice(unit: &Unit) -> Refusal {
    let stem = unit.name.stem();
    let bad = stem != "-" && (stem.starts_with('-') || stem.ends_with('-') || stem.contains("--"));
    bad.then_some(("slice-name", "the slice's name has an empty part between dashes"))
}

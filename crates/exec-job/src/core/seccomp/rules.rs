//! What each setting forbids.

use unit_parser::rows::exec;
use unit_parser::system_calls::{self, Filter};
use unit_parser::{RowId, Unit, address_families};

use super::numbers::Architecture;
use super::{Action, Policy, Rule, Test};

const EPERM: Action = Action::Error(1);
const ENOSYS: Action = Action::Error(38);
const EAFNOSUPPORT: Action = Action::Error(97);

/// `clone(2)`'s flags for new namespaces that `RestrictNamespaces=` knows.
const NAMESPACES: u32 = 0x7e02_0000;
/// The policies of sched(7) that are not real-time: other, batch, idle.
const ORDINARY_POLICIES: [u32; 3] = [0, 3, 5];
const SETUID_SETGID: u32 = 0o6000;
const O_CREAT: u32 = 0o100;
/// `O_TMPFILE` without the bit of `O_DIRECTORY`.
const O_TMPFILE: u32 = 0o20_000_000;
const PROT_WRITE: u32 = 2;
const PROT_EXEC: u32 = 4;
const SHM_EXEC: u32 = 0o100_000;

/// One for each setting that is made, in systemd's order.
pub(super) fn policies(unit: &Unit, persona: u32) -> Vec<Policy> {
    let on = |row: RowId| unit.bool(row);
    let mut found = Vec::new();
    found.extend(address_families(unit));
    found.extend(on(exec::MEMORY_DENY_WRITE_EXECUTE).then(write_execute));
    found.extend(
        on(exec::RESTRICT_REALTIME)
            .then(|| forbid(vec![when("sched_setscheduler", vec![Test::NoneOf(1, ORDINARY_POLICIES.to_vec())])])),
    );
    found.extend(on(exec::RESTRICT_SUID_SGID).then(setuid_setgid));
    found.extend(namespaces(unit));
    for (row, set) in
        [(exec::PROTECT_KERNEL_MODULES, "@module"), (exec::PROTECT_CLOCK, "@clock"), (exec::PRIVATE_DEVICES, "@raw-io")]
    {
        found.extend(on(row).then(|| forbid_all(&system_calls::set(set).unwrap_or_default())));
    }
    for (row, calls) in [
        (exec::PROTECT_KERNEL_TUNABLES, &["_sysctl"][..]),
        (exec::PROTECT_KERNEL_LOGS, &["syslog"]),
        (exec::PROTECT_HOSTNAME, &["sethostname", "setdomainname"]),
    ] {
        // What is not a plain yes or no may be one all the same (ProtectHostname=private).
        found.extend((on(row) || unit.word(row) == "yes").then(|| forbid_all(calls)));
    }
    found.extend(architectures(unit));
    found.extend(
        on(exec::LOCK_PERSONALITY).then(|| forbid(vec![when("personality", vec![Test::NoneOf(0, vec![persona])])])),
    );
    found.extend(listed(unit, exec::SYSTEM_CALL_LOG).map(|filter| {
        let (listed, others) = if filter.allow { (Action::Log, Action::Allow) } else { (Action::Allow, Action::Log) };
        policy(filter.calls.into_keys().map(|call| rule(call, listed)).collect(), others)
    }));
    found.extend(listed(unit, exec::SYSTEM_CALL_FILTER).map(|filter| system_calls_of(unit, filter)));
    found
}

fn rule(call: &'static str, action: Action) -> Rule {
    Rule { x86: None, call, tests: Vec::new(), action }
}

/// Refused with EPERM when the arguments are so.
fn when(call: &'static str, tests: Vec<Test>) -> Rule {
    Rule { x86: None, call, tests, action: EPERM }
}

fn policy(rules: Vec<Rule>, others: Action) -> Policy {
    // Foreign calls can't be told apart: they may not do more than the worst that the rules forbid.
    let worst = rules.iter().map(|rule| rule.action).find(|action| !matches!(action, Action::Allow | Action::Log));
    let foreign = worst.unwrap_or(others);
    Policy { rules, others, foreign, architectures: Architecture::local().to_vec() }
}

fn forbid(rules: Vec<Rule>) -> Policy {
    policy(rules, Action::Allow)
}

fn forbid_all(calls: &[&'static str]) -> Policy {
    forbid(calls.iter().map(|call| rule(call, EPERM)).collect())
}

/// The words of a filter's directive; `None` where it isn't set.
fn listed(unit: &Unit, row: RowId) -> Option<Filter> {
    let words = unit.list(row);
    (!words.is_empty()).then(|| Filter::of(words))
}

fn system_calls_of(unit: &Unit, filter: Filter) -> Policy {
    let action = |number: i64| u16::try_from(number).map_or(Action::Kill, Action::Error);
    let refused = action(unit.int(exec::SYSTEM_CALL_ERROR_NUMBER));
    let of_call = |own: Option<i64>| match (filter.allow, own) {
        (true, None) => Action::Allow,
        (_, Some(own)) => action(own),
        (false, None) => refused,
    };
    let rules = filter.calls.iter().map(|(call, own)| rule(call, of_call(*own))).collect();
    policy(rules, if filter.allow { refused } else { Action::Allow })
}

/// `RestrictAddressFamilies=`. socketcall(2) of 32 bit programs hides the family; it can't be filtered (as in systemd).
fn address_families(unit: &Unit) -> Option<Policy> {
    let words = unit.list(exec::RESTRICT_ADDRESS_FAMILIES);
    let (deny, words) = match words.split_first() {
        None => return None,
        Some((first, rest)) if first == "~" => (true, rest),
        Some(_) => (false, words),
    };
    let families: Vec<u32> = words.iter().filter_map(|word| address_families::number(word)).collect();
    let test = if deny { Test::OneOf(0, families) } else { Test::NoneOf(0, families) };
    Some(forbid(vec![Rule { action: EAFNOSUPPORT, ..when("socket", vec![test]) }]))
}

fn write_execute() -> Policy {
    let both = || Test::AllBits(2, PROT_WRITE | PROT_EXEC);
    forbid(vec![
        when("mmap2", vec![both()]),
        Rule { x86: Some(false), ..when("mmap", vec![both()]) },
        // This one has its arguments in memory.
        Rule { x86: Some(true), ..rule("mmap", EPERM) },
        when("mprotect", vec![Test::AnyBit(2, PROT_EXEC)]),
        when("pkey_mprotect", vec![Test::AnyBit(2, PROT_EXEC)]),
        when("shmat", vec![Test::AnyBit(2, SHM_EXEC)]),
    ])
}

fn setuid_setgid() -> Policy {
    let mut rules = Vec::new();
    for (call, mode) in [
        ("chmod", 1),
        ("fchmod", 1),
        ("fchmodat", 2),
        ("fchmodat2", 2),
        ("mkdir", 1),
        ("mkdirat", 2),
        ("mknod", 1),
        ("mknodat", 2),
        ("creat", 1),
    ] {
        rules.push(when(call, vec![Test::AnyBit(mode, SETUID_SETGID)]));
    }
    for (call, flags, mode) in [("open", 1, 2), ("openat", 2, 3)] {
        rules.push(when(call, vec![Test::AnyBit(flags, O_CREAT | O_TMPFILE), Test::AnyBit(mode, SETUID_SETGID)]));
    }
    // Its arguments are in memory; programs fall back to openat.
    rules.push(rule("openat2", ENOSYS));
    forbid(rules)
}

fn namespaces(unit: &Unit) -> Option<Policy> {
    unit.setting(exec::RESTRICT_NAMESPACES)?;
    let allowed = u32::try_from(unit.uint(exec::RESTRICT_NAMESPACES)).unwrap_or(u32::MAX);
    let forbidden = NAMESPACES & !allowed;
    if forbidden == 0 {
        return None;
    }
    let mut rules =
        vec![when("unshare", vec![Test::AnyBit(0, forbidden)]), when("clone", vec![Test::AnyBit(0, forbidden)])];
    if forbidden == NAMESPACES {
        rules.push(rule("setns", EPERM));
    } else {
        rules.push(when("setns", vec![Test::AnyBit(1, forbidden)]));
        // Any kind.
        rules.push(when("setns", vec![Test::Is(1, 0)]));
    }
    // Its flags are in memory; programs fall back to clone.
    rules.push(rule("clone3", ENOSYS));
    Some(forbid(rules))
}

/// `SystemCallArchitectures=`: others don't live.
fn architectures(unit: &Unit) -> Option<Policy> {
    let words = unit.list(exec::SYSTEM_CALL_ARCHITECTURES);
    if words.is_empty() {
        return None;
    }
    let native = Architecture::local().first().copied();
    let mut allowed: Vec<Architecture> = native.into_iter().collect();
    allowed.extend(words.iter().filter_map(|word| Architecture::of_word(word)).filter(|one| Some(*one) != native));
    Some(Policy { rules: Vec::new(), others: Action::Allow, foreign: Action::Kill, architectures: allowed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, Value};

    fn unit(settings: Vec<(RowId, Value)>) -> Unit {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        for (row, value) in settings {
            unit.set(row, value, Origin::default());
        }
        unit
    }

    fn words(words: &[&str]) -> Value {
        Value::List(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// What the policies say of a call with these arguments: the strictest counts, as in the kernel.
    fn said(settings: Vec<(RowId, Value)>, call: &str, arguments: [u32; 4]) -> Action {
        let holds = |test: &Test| {
            let argument = |n: &u8| arguments.get(usize::from(*n)).copied().unwrap_or(0);
            match test {
                Test::AnyBit(n, mask) => argument(n) & mask != 0,
                Test::AllBits(n, mask) => argument(n) & mask == *mask,
                Test::Is(n, value) => argument(n) == *value,
                Test::NoneOf(n, values) => !values.contains(&argument(n)),
                Test::OneOf(n, values) => values.contains(&argument(n)),
            }
        };
        let of = |policy: &Policy| {
            let found = policy
                .rules
                .iter()
                .find(|rule| rule.call == call && rule.x86 != Some(true) && rule.tests.iter().all(holds));
            found.map_or(policy.others, |rule| rule.action)
        };
        let all: Vec<Action> = policies(&unit(settings), 0).iter().map(of).collect();
        all.into_iter().find(|action| *action != Action::Allow).unwrap_or(Action::Allow)
    }

    #[test]
    fn what_each_setting_forbids() {
        let yes = || Value::Bool(true);
        let not = |errno: u16| Action::Error(errno);
        let family = |list: &[&str]| vec![(exec::RESTRICT_ADDRESS_FAMILIES, words(list))];
        let user = || vec![(exec::RESTRICT_NAMESPACES, Value::Uint(0x1000_0000))];
        let none = || vec![(exec::RESTRICT_NAMESPACES, Value::Uint(0))];
        let filter = |list: &[&str]| vec![(exec::SYSTEM_CALL_FILTER, words(list))];
        let table = [
            (family(&["AF_UNIX"]), "socket", [1, 0, 0, 0], Action::Allow),
            (family(&["AF_UNIX"]), "socket", [2, 0, 0, 0], not(97)),
            (family(&["~", "AF_UNIX"]), "socket", [1, 0, 0, 0], not(97)),
            (family(&["none"]), "socket", [1, 0, 0, 0], not(97)),
            (family(&["~", "AF_DECNET"]), "socket", [12, 0, 0, 0], not(97)),
            (family(&["AF_DECNET"]), "socket", [12, 0, 0, 0], Action::Allow),
            (vec![(exec::MEMORY_DENY_WRITE_EXECUTE, yes())], "mmap", [0, 0, 6, 0], not(1)),
            (vec![(exec::MEMORY_DENY_WRITE_EXECUTE, yes())], "mmap", [0, 0, 5, 0], Action::Allow),
            (vec![(exec::MEMORY_DENY_WRITE_EXECUTE, yes())], "mprotect", [0, 0, 4, 0], not(1)),
            (vec![(exec::RESTRICT_REALTIME, yes())], "sched_setscheduler", [0, 1, 0, 0], not(1)),
            (vec![(exec::RESTRICT_REALTIME, yes())], "sched_setscheduler", [0, 3, 0, 0], Action::Allow),
            (vec![(exec::RESTRICT_SUID_SGID, yes())], "chmod", [0, 0o4755, 0, 0], not(1)),
            (vec![(exec::RESTRICT_SUID_SGID, yes())], "chmod", [0, 0o755, 0, 0], Action::Allow),
            (vec![(exec::RESTRICT_SUID_SGID, yes())], "openat", [0, 0, 0o100, 0o2755], not(1)),
            (vec![(exec::RESTRICT_SUID_SGID, yes())], "openat", [0, 0, 0, 0o2755], Action::Allow),
            (user(), "unshare", [0x1000_0000, 0, 0, 0], Action::Allow),
            (user(), "unshare", [0x0002_0000, 0, 0, 0], not(1)),
            (user(), "setns", [0, 0, 0, 0], not(1)),
            (user(), "setns", [0, 0x1000_0000, 0, 0], Action::Allow),
            (user(), "clone3", [0; 4], not(38)),
            (none(), "setns", [0, 0x1000_0000, 0, 0], not(1)),
            (vec![(exec::LOCK_PERSONALITY, yes())], "personality", [8, 0, 0, 0], not(1)),
            (vec![(exec::LOCK_PERSONALITY, yes())], "personality", [0; 4], Action::Allow),
            (vec![(exec::PROTECT_CLOCK, yes())], "clock_settime", [0; 4], not(1)),
            (vec![(exec::PROTECT_KERNEL_MODULES, yes())], "init_module", [0; 4], not(1)),
            (vec![(exec::PROTECT_KERNEL_LOGS, yes())], "syslog", [0; 4], not(1)),
            (filter(&["@default", "read"]), "read", [0; 4], Action::Allow),
            (filter(&["@default", "read"]), "write", [0; 4], Action::Kill),
            (filter(&["~", "mkdir:ELOOP", "rmdir"]), "mkdir", [0; 4], not(40)),
            (filter(&["~", "mkdir:ELOOP", "rmdir"]), "rmdir", [0; 4], Action::Kill),
            (filter(&["~", "mkdir:ELOOP", "rmdir"]), "read", [0; 4], Action::Allow),
            (vec![(exec::SYSTEM_CALL_LOG, words(&["read"]))], "read", [0; 4], Action::Log),
            (vec![], "unshare", [0x1000_0000, 0, 0, 0], Action::Allow),
        ];
        for (settings, call, arguments, expected) in table {
            assert_eq!(said(settings.clone(), call, arguments), expected, "{settings:?} {call} {arguments:x?}");
        }
    }

    #[test]
    fn other_architectures() {
        let native = policies(&unit(vec![(exec::SYSTEM_CALL_ARCHITECTURES, words(&["native"]))]), 0);
        let [policy] = native.as_slice() else { panic!("{native:?}") };
        assert_eq!((policy.architectures.len(), policy.foreign), (1, Action::Kill));
        let both = policies(&unit(vec![(exec::SYSTEM_CALL_ARCHITECTURES, words(&["x86", "native"]))]), 0);
        assert_eq!(both[0].architectures.len(), if cfg!(target_arch = "x86_64") { 2 } else { 1 });
    }
}

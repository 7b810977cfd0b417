//! What a service or slice may take, as attributes of its control group (systemd.resource-control(5), cgroups(7)).

use sys::limits::{default_tasks_max, page_size, physical_memory, tasks_limit};
use unit_parser::rows::{cgroup, service};
use unit_parser::{RowId, Unit, UnitType, Value};

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The controller that has it.
    pub controller: &'static str,
    /// The file in the control group; empty: the controller alone is wanted.
    pub file: &'static str,
    /// What is written there.
    pub value: String,
    /// The directive that asks for it; none for what every service gets where it can be had.
    pub directive: Option<&'static str>,
}

impl Attribute {
    /// What is to be written for `now` where `before` was: what is new, and the kernel's defaults for what is set no more.
    fn changes(before: &[Attribute], now: Vec<Attribute>) -> Vec<Attribute> {
        let gone =
            before.iter().filter(|old| !now.iter().any(|new| new.file == old.file && new.controller == old.controller));
        let reset = gone.filter_map(|old| Some(Attribute { value: default_of(old.file)?.to_owned(), ..old.clone() }));
        let mut changes: Vec<Attribute> = reset.collect();
        changes.extend(now.into_iter().filter(|new| !before.contains(new)));
        changes
    }
}

/// What a file of a control group holds when nobody has written it.
fn default_of(file: &str) -> Option<&'static str> {
    match file {
        "memory.min" | "memory.low" | "memory.oom.group" | "cpu.idle" => Some("0"),
        "memory.high" | "memory.max" | "memory.swap.max" | "memory.zswap.max" | "pids.max" => Some("max"),
        "cpu.weight" => Some("100"),
        "cpu.max" => Some("max 100000"),
        "io.weight" => Some("default 100"),
        _ => None,
    }
}

/// In bytes: directive, file of the memory controller.
const MEMORY: [(RowId, &str); 6] = [
    (cgroup::MEMORY_MIN, "memory.min"),
    (cgroup::MEMORY_LOW, "memory.low"),
    (cgroup::MEMORY_HIGH, "memory.high"),
    (cgroup::MEMORY_MAX, "memory.max"),
    (cgroup::MEMORY_SWAP_MAX, "memory.swap.max"),
    (cgroup::MEMORY_ZSWAP_MAX, "memory.zswap.max"),
];

/// What `Delegate=yes` hands over.
const ALL: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

/// What is to be written where a definition takes the place of another.
pub fn changes(old: &Unit, new: &Unit) -> Vec<Attribute> {
    Attribute::changes(&attributes(old), attributes(new))
}

/// The attributes of a service's or slice's control group.
pub fn attributes(unit: &Unit) -> Vec<Attribute> {
    let mut all = Vec::new();
    let mut add = |controller, file, value: String, directive| {
        all.push(Attribute { controller, file, value, directive });
    };
    let set = |row: RowId| unit.setting(row).map(|_| row.row().name);
    let slice = unit.name.unit_type() == UnitType::Slice;
    let tasks = match unit.value(cgroup::TASKS_MAX) {
        // A share of the machine is for one service (systemd-system.conf(5), DefaultTasksMax=).
        _ if set(cgroup::TASKS_MAX).is_none() && slice => u64::MAX,
        _ if set(cgroup::TASKS_MAX).is_none() => default_tasks_max(),
        Value::Permyriad(share) => share_of(tasks_limit(), *share),
        value => amount(value),
    };
    add("pids", "pids.max", limit(tasks), set(cgroup::TASKS_MAX));
    // Without a limit as well: it counts the kills of OOMPolicy=.
    if unit.bool(cgroup::MEMORY_ACCOUNTING) {
        add("memory", "", String::new(), None);
    }
    if unit.bool(cgroup::IO_ACCOUNTING) {
        add("io", "", String::new(), set(cgroup::IO_ACCOUNTING));
    }
    for (row, file) in MEMORY {
        if let Some(directive) = set(row) {
            let bytes = match unit.value(row) {
                Value::Permyriad(share) => {
                    share_of(physical_memory() / page_size(), *share).saturating_mul(page_size())
                }
                value => amount(value),
            };
            add("memory", file, limit(bytes), Some(directive));
        }
    }
    if !slice && unit.word(service::OOM_POLICY) == "kill" {
        add("memory", "memory.oom.group", "1".into(), None);
    }
    if let Some(directive) = set(cgroup::CPU_WEIGHT) {
        match unit.uint(cgroup::CPU_WEIGHT) {
            0 => add("cpu", "cpu.idle", "1".into(), Some(directive)),
            weight => add("cpu", "cpu.weight", weight.to_string(), Some(directive)),
        }
    }
    if let Value::Permyriad(share) = unit.value(cgroup::CPU_QUOTA) {
        add("cpu", "cpu.max", quota(*share, unit.usec(cgroup::CPU_QUOTA_PERIOD_SEC)), set(cgroup::CPU_QUOTA));
    }
    if let Some(directive) = set(cgroup::IO_WEIGHT) {
        add("io", "io.weight", format!("default {}", unit.uint(cgroup::IO_WEIGHT)), Some(directive));
    }
    for controller in delegated(unit) {
        add(controller, "", String::new(), set(cgroup::DELEGATE));
    }
    all
}

/// The controllers that `Delegate=` hands over.
fn delegated(unit: &Unit) -> Vec<&'static str> {
    let list = unit.list(cgroup::DELEGATE);
    let every = unit.bool(cgroup::DELEGATE) || list.iter().any(|word| word == "yes");
    ALL.into_iter().filter(|name| every || list.iter().any(|word| word == name)).collect()
}

fn amount(value: &Value) -> u64 {
    match value {
        Value::Uint(amount) | Value::Size(amount) => *amount,
        _ => u64::MAX,
    }
}

fn limit(amount: u64) -> String {
    if amount == u64::MAX { "max".into() } else { amount.to_string() }
}

fn share_of(whole: u64, permyriad: u32) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(permyriad) / 10_000).unwrap_or(u64::MAX)
}

/// `cpu.max`: microseconds in a period. The kernel takes periods from 1 ms to 1 s, and no quota below 1 ms.
fn quota(share: u32, period: u64) -> String {
    const MS: u64 = 1000;
    let period = if period == u64::MAX { 100 * MS } else { period.clamp(MS, 1000 * MS) };
    let quota = share_of(period, share).max(MS);
    format!("{quota} {period}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName};

    #[test]
    fn quotas() {
        for (share, period, expected) in [
            (2_000, u64::MAX, "20000 100000"),
            (15_000, u64::MAX, "150000 100000"),
            (2_000, 10_000, "2000 10000"),
            (1, u64::MAX, "1000 100000"),
            (10_000, 5_000_000, "1000000 1000000"),
        ] {
            assert_eq!(quota(share, period), expected);
        }
        assert_eq!(limit(u64::MAX), "max");
    }

    fn unit(settings: &[(RowId, Value)]) -> Unit {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        for (row, value) in settings {
            unit.set(*row, value.clone(), Origin::default());
        }
        unit
    }

    fn asked(settings: &[(RowId, Value)]) -> Vec<String> {
        let all = attributes(&unit(settings)).into_iter().filter(|it| it.directive.is_some() && !it.file.is_empty());
        all.map(|it| format!("{} {}", it.file, it.value)).collect()
    }

    #[test]
    fn directives() {
        use Value::{Permyriad, Size, Uint};
        use cgroup::*;
        type Row<'a> = (&'a [(RowId, Value)], &'a [&'a str]);
        let table: [Row<'_>; 7] = [
            (&[], &[]),
            (&[(TASKS_MAX, Uint(5))], &["pids.max 5"]),
            (&[(TASKS_MAX, Uint(u64::MAX))], &["pids.max max"]),
            (&[(MEMORY_MAX, Size(1 << 26)), (MEMORY_LOW, Size(0))], &["memory.low 0", "memory.max 67108864"]),
            (&[(MEMORY_HIGH, Size(u64::MAX))], &["memory.high max"]),
            (&[(CPU_WEIGHT, Uint(0))], &["cpu.idle 1"]),
            (
                &[(CPU_WEIGHT, Uint(20)), (IO_WEIGHT, Uint(30)), (CPU_QUOTA, Permyriad(5_000))],
                &["cpu.weight 20", "cpu.max 50000 100000", "io.weight default 30"],
            ),
        ];
        for (settings, expected) in table {
            assert_eq!(asked(settings), expected, "{settings:?}");
        }
        let tasks = |settings: &[(RowId, Value)]| {
            attributes(&unit(settings)).into_iter().find(|it| it.file == "pids.max").map(|it| it.value)
        };
        assert_eq!(tasks(&[]), Some(default_tasks_max().to_string()), "every service gets that");
        assert_eq!(tasks(&[(TASKS_MAX, Permyriad(10_000))]), Some(tasks_limit().to_string()));
    }

    #[test]
    fn changed_definitions() {
        use Value::{Size, Uint};
        use cgroup::*;
        type Settings<'a> = &'a [(RowId, Value)];
        let table: [(Settings<'_>, Settings<'_>, &[&str]); 5] = [
            (&[], &[], &[]),
            (&[(MEMORY_MAX, Size(1))], &[(MEMORY_MAX, Size(2))], &["memory.max 2"]),
            (&[(MEMORY_MAX, Size(1)), (TASKS_MAX, Uint(3))], &[(TASKS_MAX, Uint(3))], &["memory.max max"]),
            // The weight can't be written while it is idle.
            (&[(CPU_WEIGHT, Uint(0))], &[(CPU_WEIGHT, Uint(7))], &["cpu.idle 0", "cpu.weight 7"]),
            (&[(CPU_WEIGHT, Uint(7))], &[], &["cpu.weight 100"]),
        ];
        for (old, new, expected) in table {
            let changes = changes(&unit(old), &unit(new));
            let changes: Vec<String> = changes.iter().map(|it| format!("{} {}", it.file, it.value)).collect();
            assert_eq!(changes, expected, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn slices() {
        let mut slice = Unit::new(UnitName::parse("a-b.slice").unwrap());
        let files = |unit: &Unit| -> Vec<String> {
            let all = attributes(unit).into_iter().filter(|it| !it.file.is_empty());
            all.map(|it| format!("{} {}", it.file, it.value)).collect()
        };
        assert_eq!(files(&slice), ["pids.max max"]);
        slice.set(cgroup::MEMORY_HIGH, Value::Size(4096), Origin::default());
        assert_eq!(files(&slice), ["pids.max max", "memory.high 4096"]);
    }

    #[test]
    fn delegation() {
        let controllers = |words: &[&str]| {
            let list = words.iter().map(|word| (*word).to_owned()).collect();
            delegated(&unit(&[(cgroup::DELEGATE, Value::List(list))]))
        };
        assert_eq!(controllers(&["yes"]), ALL);
        assert_eq!(controllers(&["pids", "memory"]), ["memory", "pids"]);
        assert!(controllers(&["no"]).is_empty() && delegated(&unit(&[])).is_empty());
    }

    #[test]
    fn what_changes() {
        let attribute = |file, value: &str| Attribute { controller: "cpu", file, value: value.into(), directive: None };
        let before = [attribute("cpu.weight", "300"), attribute("cpu.max", "1 2"), attribute("", "")];
        let now = vec![attribute("cpu.max", "3 4"), attribute("cpu.idle", "1")];
        let expected = vec![attribute("cpu.weight", "100"), attribute("cpu.max", "3 4"), attribute("cpu.idle", "1")];
        assert_eq!(Attribute::changes(&before, now), expected);
        assert!(Attribute::changes(&before, before.to_vec()).is_empty());
    }
}

//! Properties of the manager.

use unit_parser::UnitName;
use zbus::Variant;

use super::interface::{Interface, Property};
use super::literal::{from_json, string, strings, zero};
use super::machine;
use crate::conditions::machine::architecture_name;
use crate::model::{Model, VERSION};

/// One property of the manager.
#[must_use]
pub fn of_manager(model: &Model, property: &Property) -> Variant<'static> {
    value(model, property).or_else(|| property.default.try_clone().ok()).unwrap_or_else(|| zero(&property.signature))
}

/// One property of `org.freedesktop.LogControl1`.
#[must_use]
pub fn of_log_control(model: &Model, property: &Property) -> Variant<'static> {
    match property.name {
        "LogLevel" => string(model.facts.log_level.as_str()),
        "LogTarget" => string(model.facts.log_target.as_str()),
        _ => string("quintet"),
    }
}

fn value(model: &Model, property: &Property) -> Option<Variant<'static>> {
    let facts = &model.facts;
    if let Some(value) = stamp(model, property.name) {
        return Some(Variant::U64(value));
    }
    if let Some(limit) = property.name.strip_prefix("DefaultLimit") {
        let (name, soft) = limit.strip_suffix("Soft").map_or((limit, false), |name| (name, true));
        let limits = machine::default_limit(name, !facts.user)?;
        return Some(Variant::U64(if soft { limits.0 } else { limits.1 }));
    }
    if let Some(json) = facts.saved.properties.get(property.name) {
        return from_json(json, &property.signature);
    }
    let engine = &model.engine;
    let count = |n: usize| Variant::U32(u32::try_from(n).unwrap_or(u32::MAX));
    Some(match property.name {
        "Version" => string(VERSION),
        "Features" => string(features()),
        "Virtualization" => string(facts.virtualization.word()),
        "Architecture" => string(architecture_name()),
        "Tainted" => string(tainted()),
        "LogLevel" => string(facts.log_level.as_str()),
        "LogTarget" => string(facts.log_target.as_str()),
        "NNames" => count(engine.units().iter().map(|name| names(model, name)).sum()),
        "NFailedUnits" => count(engine.failed_units()),
        "NJobs" => count(engine.job_count()),
        "NInstalledJobs" => Variant::U32(engine.job_counts().0),
        "NFailedJobs" => Variant::U32(engine.job_counts().1),
        "Progress" => {
            let (installed, _) = engine.job_counts();
            let running = engine.job_count();
            let done = if running == 0 { 1.0 } else { 1.0 - running as f64 / f64::from(installed.max(1)) };
            Variant::F64(done.clamp(0.0, 1.0))
        }
        "Environment" => strings(facts.environment.list()),
        "UnitPath" => strings(model.machine.loader.load_path().dirs.iter().map(|dir| dir.to_string_lossy())),
        "ControlGroup" => string(facts.cgroup_prefix.as_str()),
        "SystemState" => string(engine.system_state().as_str()),
        "ExitCode" => Variant::U8(facts.saved.exit_code),
        "DefaultTasksMax" => Variant::U64(machine::default_tasks_max()),
        _ => return None,
    })
}

fn names(model: &Model, name: &UnitName) -> usize {
    model.engine.unit(name).map_or(0, |view| view.names.len())
}

fn stamp(model: &Model, property: &str) -> Option<u64> {
    let saved = &model.facts.saved;
    let (name, monotonic) = match property.strip_suffix("Monotonic") {
        Some(name) => (name, true),
        None => (property, false),
    };
    let time = match name {
        "UserspaceTimestamp" => saved.userspace,
        "FinishTimestamp" => saved.finish,
        "GeneratorsStartTimestamp" => saved.generators_start,
        "GeneratorsFinishTimestamp" => saved.generators_finish,
        "UnitsLoadStartTimestamp" => saved.load_start,
        "UnitsLoadFinishTimestamp" => saved.load_finish,
        "UnitsLoadTimestamp" => saved.reload,
        _ => return None,
    };
    Some(if monotonic { time.monotonic_usec } else { time.realtime_usec })
}

/// What is compiled in and out, in systemd's words: clients look for `+X` and `-X`.
fn features() -> &'static str {
    "-PAM -AUDIT -SELINUX -APPARMOR -IMA -SMACK +SECCOMP -GCRYPT -GNUTLS -OPENSSL -ACL -BLKID -CURL -ELFUTILS -FIDO2 \
     -IDN2 -IDN -IPTC -KMOD -LIBCRYPTSETUP -LIBFDISK -PCRE2 -PWQUALITY -P11KIT -QRENCODE -TPM2 -BZIP2 -LZ4 -XZ -ZLIB \
     -ZSTD -BPF_FRAMEWORK -XKBCOMMON -UTMP -SYSVINIT default-hierarchy=unified"
}

/// Colon-separated words of what is unusual about the machine (org.freedesktop.systemd1(5)).
fn tainted() -> String {
    let mut words = Vec::new();
    let link = |path: &str| std::fs::read_link(path).ok();
    if link("/bin").is_none() && std::fs::metadata("/bin").is_ok() {
        words.push("unmerged-usr");
    }
    if link("/var/run").is_none() && std::fs::metadata("/var/run").is_ok() {
        words.push("var-run-bad");
    }
    if std::fs::read_to_string("/proc/sys/kernel/overflowuid").is_ok_and(|uid| uid.trim() != "65534") {
        words.push("overflowuid-not-65534");
    }
    if std::fs::read_to_string("/proc/sys/kernel/overflowgid").is_ok_and(|gid| gid.trim() != "65534") {
        words.push("overflowgid-not-65534");
    }
    words.join(":")
}

/// All properties of the manager, in order.
#[must_use]
pub fn all(model: &Model, interface: &'static Interface) -> super::dict::PropertyDict {
    interface.properties.iter().map(|property| (property.name, of_manager(model, property))).collect()
}

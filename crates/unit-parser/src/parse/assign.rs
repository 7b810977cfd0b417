//! One assignment: which reader a kind has, and how its result joins what was there.

use super::{Context, Problem, exec, lists, scalars};
use crate::table::{Kind, Row};
use crate::value::Value;

/// What an assignment does.
#[derive(Debug, Clone, PartialEq)]
pub enum Assigned {
    /// This is the value now.
    Set(Value),
    /// These come after those that are there already.
    Add(Value),
    /// Back to the default.
    Unset,
    /// The assignment was ignored (and complained about).
    Keep,
}

/// What an empty right side does.
enum Empty {
    /// Back to the default.
    Resets,
    /// It is read like any other text, which for most kinds means a complaint.
    IsRead,
    /// Nothing.
    Nothing,
}

fn empty(kind: Kind) -> Empty {
    match kind {
        // systemd.unit(5): dependency lists can't be reset; RequiresMountsFor= neither.
        Kind::Units(_) => Empty::Nothing,
        Kind::Bool
        | Kind::NeededBool
        | Kind::Uint(_)
        | Kind::Usec
        | Kind::UsecZeroInfinite
        | Kind::Nsec
        | Kind::Size
        | Kind::Mode
        | Kind::Signal
        | Kind::Word(_)
        | Kind::BoolOrWord(_)
        | Kind::Rlimit(_)
        | Kind::StandardInput
        | Kind::StandardOutput
        // Delegation without controllers.
        | Kind::Delegate
        // No capability at all, not the default.
        | Kind::Capabilities(_) => Empty::IsRead,
        Kind::Int(..)
        | Kind::UsecEmptyInfinite
        | Kind::MemoryLimit
        | Kind::Tasks
        | Kind::Quota
        | Kind::Permyriad
        | Kind::Weight(..)
        | Kind::Text
        | Kind::Verbatim
        | Kind::Named(_)
        | Kind::Checked(_)
        | Kind::CheckedWords(_)
        | Kind::NeededPath
        | Kind::Words
        | Kind::WordsReplace
        | Kind::Documentation
        | Kind::UnitRef
        | Kind::TriggeredUnit
        | Kind::InstallNames
        | Kind::Path
        | Kind::PidFile
        | Kind::Paths
        | Kind::PlainPaths
        | Kind::LinkPaths
        | Kind::BindPaths
        | Kind::TemporaryFileSystems
        | Kind::WorkingDirectory
        | Kind::Directories(_)
        | Kind::Exec
        | Kind::Environment
        | Kind::EnvironmentNames(_)
        | Kind::EnvironmentFiles
        | Kind::Condition(..)
        | Kind::Listen(_)
        | Kind::ExitStatus
        | Kind::ExitStatusOne
        | Kind::User
        | Kind::Users
        | Kind::InputText
        | Kind::InputData
        | Kind::Timer
        | Kind::WatchedPath
        | Kind::SecureBits
        | Kind::AllowDeny(_)
        | Kind::SystemCalls(_)
        | Kind::Networks
        | Kind::Namespaces
        | Kind::CpuSet
        | Kind::NumaMask
        | Kind::DeviceValue(_)
        | Kind::ColonPair(_)
        | Kind::CoredumpFilter
        | Kind::IpTos
        | Kind::Errno
        | Kind::DeviceAllow
        | Kind::MountFlags => Empty::Resets,
    }
}

/// Reads the right side of an assignment to a row whose value was `old`.
pub fn assign(row: &Row, text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Assigned {
    if text.is_empty() {
        match empty(row.kind) {
            Empty::Nothing => return Assigned::Keep,
            Empty::IsRead => {}
            Empty::Resets => return reset(row, old),
        }
    }
    // Lists that only grow are not copied for each line.
    let grows =
        matches!(row.kind, Kind::Exec | Kind::Condition(..) | Kind::Listen(_) | Kind::Timer | Kind::WatchedPath);
    let old = if grows { None } else { old };
    match read(row, text, old, context) {
        Ok(value) if grows => Assigned::Add(value),
        Ok(value) => Assigned::Set(value),
        Err(problem) => {
            context.warn(problem);
            Assigned::Keep
        }
    }
}

/// An empty `Condition…=` resets conditions, not asserts, and the other way round.
fn reset(row: &Row, old: Option<&Value>) -> Assigned {
    if row.name == "RequiresMountsFor" || row.name == "WantsMountsFor" {
        return Assigned::Keep;
    }
    match (row.kind, old) {
        (Kind::Condition(_, assert), Some(Value::Conditions(list))) => {
            let mut kept = list.clone();
            kept.retain(|c| c.assert != assert);
            Assigned::Set(Value::Conditions(kept))
        }
        _ => Assigned::Unset,
    }
}

/// Of these 0 means something; of the other limits of memory it is refused.
const ZERO_IS_A_LIMIT: &[&str] = &[
    "MemoryMin",
    "MemoryLow",
    "DefaultMemoryMin",
    "DefaultMemoryLow",
    "DefaultStartupMemoryLow",
    "StartupMemoryLow",
    "MemorySwapMax",
    "StartupMemorySwapMax",
    "MemoryZSwapMax",
    "StartupMemoryZSwapMax",
];

fn read(row: &Row, text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Result<Value, Problem> {
    match row.kind {
        Kind::Bool => scalars::boolean(text),
        Kind::NeededBool => scalars::boolean(text).map_err(Problem::fatal),
        Kind::Int(low, high) => scalars::int(text, low, high),
        Kind::Uint(high) => scalars::uint(text, high, row.default == "infinity"),
        Kind::Usec => scalars::usec(text),
        Kind::UsecZeroInfinite | Kind::UsecEmptyInfinite => scalars::usec_zero_infinite(text, row.kind),
        Kind::Nsec => scalars::nsec(text),
        Kind::Size => scalars::finite_size(text),
        Kind::MemoryLimit => scalars::memory_limit(text, ZERO_IS_A_LIMIT.contains(&row.name)),
        Kind::Tasks => scalars::tasks(text),
        Kind::Quota => scalars::quota(text),
        Kind::Permyriad => scalars::permyriad(text),
        Kind::Weight(low, high) => scalars::weight(text, low, high),
        Kind::Mode => scalars::mode(text),
        Kind::Signal => scalars::signal(text),
        Kind::Text => context.text(text).map(|t| Value::Str(t.into())),
        Kind::Verbatim => Ok(Value::Str(text.into())),
        Kind::Word(words) => scalars::word(text, words),
        Kind::BoolOrWord(words) => scalars::bool_or_word(text, words),
        Kind::Named(words) => scalars::named(text, words),
        Kind::Path => scalars::path(&context.text(text)?),
        Kind::NeededPath => context.text(text).and_then(|text| scalars::path(&text)).map_err(Problem::fatal),
        Kind::Checked(check) => scalars::checked(text, check, context),
        Kind::CheckedWords(check) => lists::checked_words(text, check, old, context),
        Kind::PidFile => scalars::pid_file(&context.text(text)?, context.specifiers.host),
        Kind::WorkingDirectory => scalars::working_directory(text, context),
        Kind::User => scalars::user(text, context),
        Kind::StandardInput => scalars::standard_input(text, context),
        Kind::StandardOutput => scalars::standard_output(text, context),
        Kind::Rlimit(unit) => scalars::rlimit(text, unit),
        Kind::ExitStatusOne => scalars::exit_status_one(text),
        Kind::Errno => scalars::errno(text),
        Kind::DeviceAllow => lists::device_allow(text, old, context),
        Kind::IpTos => scalars::ip_tos(text),
        Kind::Capabilities(_) => scalars::capabilities(text, old, row.kind, context),
        Kind::SecureBits => scalars::secure_bits(text, old),
        Kind::CoredumpFilter => scalars::coredump_filter(text, old),
        Kind::Namespaces => scalars::namespaces(text, old),
        Kind::MountFlags => scalars::mount_flags(text),
        Kind::UnitRef => lists::unit_ref(text, context),
        Kind::TriggeredUnit => lists::triggered_unit(text, context),
        Kind::Units(_) => lists::units(text, old, context),
        Kind::Words => lists::words(text, old, context),
        Kind::WordsReplace => lists::words_replace(text, context),
        Kind::Documentation => lists::documentation(text, old, context),
        Kind::InstallNames => lists::install_names(text, old, context),
        Kind::Paths => lists::paths(text, old, context, "-+"),
        Kind::PlainPaths => lists::paths(text, old, context, ""),
        Kind::LinkPaths => Ok(lists::link_paths(text, old, context)),
        Kind::BindPaths => lists::bind_paths(text, old, context),
        Kind::TemporaryFileSystems => lists::temporary_file_systems(text, old, context),
        Kind::Directories(links) => lists::directories(text, links, old, context),
        Kind::Environment => lists::environment(text, old, context),
        Kind::EnvironmentNames(assignments) => lists::environment_names(text, assignments, old, context),
        Kind::EnvironmentFiles => lists::environment_files(text, old, context),
        Kind::Condition(kind, assert) => lists::condition(text, kind, assert, old, context),
        Kind::Listen(kind) => lists::listen(text, kind, old, context),
        Kind::ExitStatus => lists::exit_status(text, old, context),
        Kind::Users => lists::users(text, old, context),
        Kind::InputText => lists::input_text(text, old, context),
        Kind::InputData => lists::input_data(text, old),
        Kind::Timer if row.name == "OnCalendar" => {
            let normal = scalars::calendar(&context.text(text)?)?;
            Ok(lists::pair(row.name, normal, old))
        }
        Kind::Timer => match scalars::usec(&context.text(text)?)? {
            Value::Usec(usec) => Ok(lists::pair(row.name, usec.to_string(), old)),
            _ => Err(Problem::new("not a time span")),
        },
        Kind::WatchedPath => {
            let path = scalars::path(&context.text(text)?)?;
            let Value::Str(path) = path else { return Err(Problem::new("not a path")) };
            Ok(lists::pair(row.name, path.into(), old))
        }
        Kind::AllowDeny(check) => lists::allow_deny(text, check, old, context),
        Kind::SystemCalls(defaults) => lists::system_calls(text, old, defaults, context),
        Kind::Networks => lists::networks(text, old, context),
        Kind::CpuSet => lists::cpu_set(text, old),
        Kind::NumaMask if text == "all" => lists::cpu_set(&context.specifiers.host.numa_nodes, old),
        Kind::NumaMask => lists::cpu_set(text, old),
        Kind::DeviceValue(what) => lists::device_value(text, what, old, context),
        Kind::ColonPair(check) => lists::colon_pair(text, check, old, context),
        Kind::Delegate => lists::delegate(text, old, context),
        Kind::Exec => {
            let specifiers = context.specifiers;
            let expand = |t: &str| specifiers.expand(t, crate::specifier::Scope::Text);
            let (commands, problem) = exec::parse(text, &expand);
            context.problems.extend(problem);
            Ok(Value::Exec(commands))
        }
    }
}

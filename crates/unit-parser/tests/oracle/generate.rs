//! Inputs: mostly well-formed ones, each part chosen at random, and some that were damaged.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// So many inputs, always the same ones; or `ORACLE_CASES` of them, new ones in each run.
pub fn sample(strategy: impl Strategy<Value = String>, usual: usize) -> Vec<String> {
    let wanted = std::env::var("ORACLE_CASES").ok().and_then(|n| n.parse().ok());
    let mut runner = if wanted.is_some() { TestRunner::default() } else { TestRunner::deterministic() };
    (0..wanted.unwrap_or(usual)).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn number(low: u32, high: u32) -> BoxedStrategy<String> {
    prop_oneof![
        6 => (low..=high).prop_map(|n| n.to_string()),
        3 => (low..=high).prop_map(|n| format!("{n:02}")),
        1 => (0..=high + 3).prop_map(|n| n.to_string()),
    ]
    .boxed()
}

/// `*`, values, ranges, repetitions, lists.
fn field(low: u32, high: u32) -> BoxedStrategy<String> {
    let one = || number(low, high);
    let range = (low..=high, low..=high).prop_map(|(a, b)| format!("{}..{}", a.min(b), a.max(b)));
    let part = prop_oneof![
        6 => one(),
        2 => range.clone(),
        2 => (one(), 1u32..12).prop_map(|(n, step)| format!("{n}/{step}")),
        1 => (range, 1u32..9).prop_map(|(range, step)| format!("{range}/{step}")),
        1 => (one(), one()).prop_map(|(a, b)| format!("{a}..{b}")),
    ];
    prop_oneof![
        3 => Just("*".to_owned()),
        6 => part.clone(),
        2 => prop::collection::vec(part, 1..5).prop_map(|parts| parts.join(",")),
        1 => (1u32..20).prop_map(|step| format!("*/{step}")),
    ]
    .boxed()
}

fn seconds() -> BoxedStrategy<String> {
    let decimals = (number(0, 59), "[0-9]{1,8}").prop_map(|(n, decimals)| format!("{n}.{decimals}"));
    let step = (number(0, 59), number(1, 30), "[0-9]{1,7}").prop_map(|(n, step, d)| format!("{n}/{step}.{d}"));
    prop_oneof![4 => field(0, 59), 1 => decimals, 1 => step].boxed()
}

fn weekdays() -> BoxedStrategy<String> {
    let day = prop::sample::select(vec![
        "Mon",
        "Tue",
        "Wed",
        "Thu",
        "Fri",
        "Sat",
        "Sun",
        "Monday",
        "tuesday",
        "WEDNESDAY",
        "Thursday",
        "Fri",
        "Saturday",
        "sunday",
    ]);
    let range =
        (day.clone(), prop::sample::select(vec!["..", "-"]), day.clone()).prop_map(|(a, to, b)| format!("{a}{to}{b}"));
    let part = prop_oneof![3 => day.prop_map(str::to_owned), 1 => range];
    (prop::collection::vec(part, 1..4), prop::sample::select(vec!["", "", "", ","]))
        .prop_map(|(parts, end)| parts.join(",") + end)
        .boxed()
}

fn date() -> BoxedStrategy<String> {
    let year =
        prop_oneof![4 => Just("*".to_owned()), 2 => field(2024, 2040), 1 => field(0, 99), 1 => field(1960, 2210)];
    let day = (prop::sample::select(vec!["-", "-", "-", "~"]), prop_oneof![field(1, 31), field(1, 7)]);
    let short = (field(1, 12), day.clone()).prop_map(|(month, (sign, day))| format!("{month}{sign}{day}"));
    let long = (year, field(1, 12), day).prop_map(|(year, month, (sign, day))| format!("{year}-{month}{sign}{day}"));
    prop_oneof![1 => short, 3 => long].boxed()
}

fn time() -> BoxedStrategy<String> {
    let short = (field(0, 23), field(0, 59)).prop_map(|(hour, minute)| format!("{hour}:{minute}"));
    let long =
        (field(0, 23), field(0, 59), seconds()).prop_map(|(hour, minute, second)| format!("{hour}:{minute}:{second}"));
    prop_oneof![short, long].boxed()
}

fn optional(strategy: BoxedStrategy<String>, share: f64) -> BoxedStrategy<String> {
    prop::option::weighted(share, strategy).prop_map(Option::unwrap_or_default).boxed()
}

/// A character more, less or other here and there.
fn damaged(strategy: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let damage = (any::<prop::sample::Index>(), "[-0-9a-zA-Z:*/.,~@ +]", 0..3u8);
    (strategy, damage)
        .prop_map(|(text, (place, character, kind))| {
            let at = place.index(text.len() + 1);
            let (Some(head), Some(tail)) = (text.get(..at), text.get(at..)) else { return text.clone() };
            let rest = tail.get(1..).unwrap_or("");
            match kind {
                0 => format!("{head}{character}{tail}"),
                1 => format!("{head}{rest}"),
                _ => format!("{head}{character}{rest}"),
            }
        })
        .boxed()
}

fn words(parts: Vec<String>) -> String {
    let given: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    given.join(" ")
}

/// Calendar events.
pub fn calendar_event() -> BoxedStrategy<String> {
    let zone = prop::sample::select(vec![
        "UTC",
        "utc",
        "Europe/Berlin",
        "Asia/Tokyo",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "Nowhere/City",
        "CET",
        "EST",
    ])
    .prop_map(str::to_owned)
    .boxed();
    let words_of_old = prop::sample::select(vec![
        "minutely",
        "hourly",
        "daily",
        "Monthly",
        "weekly",
        "yearly",
        "annually",
        "anually",
        "quarterly",
        "semiannually",
        "semi-annually",
        "biannually",
        "bi-annually",
        "fortnightly",
    ])
    .prop_map(str::to_owned);
    let written = (optional(weekdays(), 0.3), optional(date(), 0.7), optional(time(), 0.7))
        .prop_map(|(weekdays, date, time)| words(vec![weekdays, date, time]));
    let stamp = (0u64..5_000_000_000).prop_map(|seconds| format!("@{seconds}"));
    let plain = prop_oneof![1 => words_of_old, 30 => written, 1 => stamp];
    let event = (plain, optional(zone, 0.2)).prop_map(|(event, zone)| words(vec![event, zone])).boxed();
    prop_oneof![6 => event.clone(), 1 => damaged(event)].boxed()
}

/// Time spans.
pub fn time_span() -> BoxedStrategy<String> {
    let unit = prop::sample::select(vec![
        "", "us", "usec", "\u{b5}s", "\u{3bc}s", "ms", "msec", "s", "sec", "second", "seconds", "m", "min", "minute",
        "minutes", "h", "hr", "hour", "hours", "d", "day", "days", "w", "week", "weeks", "M", "month", "months", "y",
        "year", "years", "ns", "parsec",
    ]);
    let amount = prop_oneof![
        4 => (0u64..100_000).prop_map(|n| n.to_string()),
        1 => any::<u64>().prop_map(|n| n.to_string()),
        3 => (0u64..1000, "[0-9]{1,9}").prop_map(|(n, decimals)| format!("{n}.{decimals}")),
        1 => "[0-9]{0,2}\\.[0-9]{0,2}",
    ];
    let space = || prop::sample::select(vec!["", "", " ", "  "]);
    let part = (amount, space(), unit, space()).prop_map(|(amount, a, unit, b)| format!("{amount}{a}{unit}{b}"));
    let span = prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat()).boxed();
    let infinite = prop::sample::select(vec!["infinity", " infinity", "infinity ", "infinityx", "0", "-1", "+5s"]);
    prop_oneof![20 => span.clone(), 4 => damaged(span), 1 => infinite.prop_map(str::to_owned)].boxed()
}

/// Anything.
pub fn text() -> BoxedStrategy<String> {
    prop_oneof!["[ -~]{0,24}", "[a-z./-]{1,12}", "[^\\x00-\\x1f]{0,12}", "\\PC{0,12}"].boxed()
}

/// Paths, and what is almost one.
pub fn path() -> BoxedStrategy<String> {
    prop_oneof![4 => "(/[a-z.-]{0,5}){1,5}/?", 2 => "[a-z./-]{0,12}", 1 => "(/\\.{0,3}){1,4}", 1 => "/\\PC{0,12}"]
        .boxed()
}

/// Unit names, and what is almost one.
pub fn name() -> BoxedStrategy<String> {
    let suffix = prop::sample::select(vec![
        "",
        ".service",
        ".socket",
        ".mount",
        ".device",
        ".slice",
        ".foo",
        ".",
        ".timer",
        ".snapshot",
    ]);
    let instance = prop::sample::select(vec!["", "", "@", "@x", r"@a\x20b-c", "@@", r"@\xzz"]);
    let stem = prop_oneof![4 => "[a-zA-Z0-9:_.-]{0,8}", 1 => "(/[a-z.]{0,4}){1,3}", 1 => "/(dev|sys|)/[a-z]{0,3}", 1 => "\\PC{0,8}"];
    (stem, instance, suffix).prop_map(|(stem, instance, suffix)| format!("{stem}{instance}{suffix}")).boxed()
}

/// Escaped texts, and what is almost one.
pub fn escaped() -> BoxedStrategy<String> {
    prop_oneof![
        3 => "([a-z_.:-]|\\\\x[0-9a-fA-F]{2}){0,8}",
        1 => "([a-z-]|\\\\x?[0-9a-g]{0,3}){0,6}",
        1 => "[ -~]{0,12}",
    ]
    .boxed()
}

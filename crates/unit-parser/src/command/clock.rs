//! `unit-parser calendar` and `unit-parser timespan`, in the form of systemd-analyze(1).

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use jiff::tz::TimeZone;
use unit_parser::calendar::{CalendarError, CalendarEvent, Zones};
use unit_parser::parse::timespan::{self, TimeSpanError};
use unit_parser::zoneinfo::ZoneInfo;
use unit_parser::{format, timestamp};

use super::Outcome;

const INVALID: &str = "Invalid argument";
const OUT_OF_RANGE: &str = "Numerical result out of range";

/// Shows the normal form of calendar events, and when they come next.
#[derive(Debug, Args)]
pub struct Calendar {
    /// The events: `Mon..Fri 9:00`, `*-*-1 4:00:00 Europe/Berlin`, `weekly`, ...
    #[arg(required = true)]
    events: Vec<String>,
    /// How many elapses to show.
    #[arg(long, default_value_t = 1)]
    iterations: u32,
    /// Look for elapses after this point in time instead of now.
    #[arg(long, value_parser = point)]
    base_time: Option<u64>,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn point(text: &str) -> Result<u64, String> {
    timestamp::parse(text, now(), &ZoneInfo).map_err(|e| e.to_string())
}

/// Does something for each text, with an empty line between the answers.
fn each(texts: &[String], mut one: impl FnMut(&str) -> Result<(), String>) -> Outcome {
    let mut outcome = Outcome::Good;
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            println!();
        }
        if let Err(complaint) = one(text) {
            eprintln!("{complaint}");
            outcome = Outcome::Bad;
        }
    }
    outcome
}

/// Labels to the right, what they say to the left. What is shorter than the longest loses spaces at
/// its end, as in systemd's tables.
fn print_lines(lines: &[(String, String)]) {
    let length = |text: &str| text.chars().count();
    let left = lines.iter().map(|(label, _)| length(label)).max().unwrap_or(0);
    let right = lines.iter().map(|(_, text)| length(text)).max().unwrap_or(0);
    for (label, text) in lines {
        let text = if length(text) < right { text.trim_end() } else { text };
        println!("{label:>left$}: {text}");
    }
}

/// What else the text would be good for.
fn hints(text: &str, not: &str) -> String {
    let mut out = String::new();
    let good = [
        ("timespan", "timespan", timespan::parse(text).is_ok()),
        ("timestamp", "timestamp", timestamp::parse(text, now(), &ZoneInfo).is_ok()),
        ("calendar specification", "calendar", CalendarEvent::parse(text, &ZoneInfo).is_ok()),
    ];
    for (what, verb, _) in good.into_iter().filter(|(_, verb, good)| *good && *verb != not) {
        let hint =
            format!("\nHint: this expression is a valid {what}. Use 'systemd-analyze {verb} \"{text}\"' instead?");
        out.push_str(&hint);
    }
    out
}

impl Calendar {
    pub(super) fn run(&self) -> Outcome {
        let local = ZoneInfo.local();
        each(&self.events, |text| self.one(text, &local))
    }

    fn one(&self, text: &str, local: &TimeZone) -> Result<(), String> {
        let event = CalendarEvent::parse(text, &ZoneInfo).map_err(|error| {
            let why = match error {
                CalendarError::Syntax => INVALID,
                CalendarError::Range => OUT_OF_RANGE,
                CalendarError::TooLong => "No buffer space available",
            };
            format!("Failed to parse calendar specification '{text}': {why}{}", hints(text, "calendar"))
        })?;
        let normal = event.to_string();
        let mut lines = Vec::new();
        if normal != text {
            lines.push(("Original form".to_owned(), text.to_owned()));
        }
        lines.push(("Normalized form".to_owned(), normal));
        let utc = local.iana_name().is_some_and(|name| matches!(name, "UTC" | "Etc/UTC")) || *local == TimeZone::UTC;
        let mut after = self.base_time.unwrap_or_else(now);
        for number in 1..=self.iterations {
            let Some(next) = event.next_after(after, local) else {
                if number == 1 {
                    lines.push(("Next elapse".to_owned(), "never".to_owned()));
                }
                break;
            };
            let label = if number == 1 { "Next elapse".to_owned() } else { format!("Iter. #{number}") };
            lines.push((label, timestamp::format(next, local)));
            if !utc {
                lines.push(("(in UTC)".to_owned(), timestamp::format(next, &TimeZone::UTC)));
            }
            lines.push(("From now".to_owned(), format::relative(next, now())));
            after = next;
        }
        print_lines(&lines);
        Ok(())
    }
}

/// Shows the normal form of time spans.
#[derive(Debug, Args)]
pub struct Timespan {
    /// The spans: `1h 30min`, `5d`, `infinity`, ...
    #[arg(required = true)]
    spans: Vec<String>,
}

/// The sign of a microsecond, if the terminal can show it.
fn mu() -> &'static str {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    let locale = set.into_iter().find(|value| !value.is_empty()).map(|value| value.to_ascii_lowercase());
    let utf8 = locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"));
    if utf8 { "\u{3bc}" } else { "u" }
}

impl Timespan {
    pub(super) fn run(&self) -> Outcome {
        each(&self.spans, |text| {
            let usec = timespan::parse(text).map_err(|error| {
                let why = match error {
                    TimeSpanError::Syntax => INVALID,
                    TimeSpanError::Range => OUT_OF_RANGE,
                };
                format!("Failed to parse time span '{text}': {why}{}", hints(text, "timespan"))
            })?;
            print_lines(&[
                ("Original".to_owned(), text.to_owned()),
                (format!("{}s", mu()), usec.to_string()),
                ("Human".to_owned(), format::timespan(usec, 0)),
            ]);
            Ok(())
        })
    }
}

//! What a worker has to tell of a unit beyond its state: the last few remarks, each once with a count, however often and
//! by whomever they are caused.
//!
//! Two remarks are the same when they have the same beginning (up to the first colon, numbers left out): what differs
//! behind it is of the moment. So a client that sends nonsense ten thousand times a second makes one remark.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Different remarks kept of a unit; the one that was made the longest time ago gives way.
const KEPT: usize = 16;
/// Longest text in bytes.
const LONGEST: usize = 400;
/// How long a remark that comes again is only counted, µs.
const PAUSE: u64 = 1_000_000;

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it was made last, CLOCK_REALTIME, µs.
    pub realtime_usec: u64,
    /// `warning` or `info`.
    pub level: String,
    /// One line.
    pub text: String,
    /// How often it was made.
    pub count: u64,
    /// When it was told last, as opposed to counted.
    told_usec: u64,
}

/// The remarks of one unit, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices(VecDeque<Notice>);

impl Notices {
    /// Adds a remark. False when it is only counted, because the same was told a moment ago: then it should be neither
    /// logged nor saved.
    pub fn add(&mut self, now: u64, level: &str, text: &str) -> bool {
        let text = one_line(text);
        let same = self.0.iter().position(|notice| subject(&notice.text).eq(subject(&text)));
        let known = same.and_then(|at| self.0.remove(at));
        let (count, told) = known.map_or((0, None), |notice| (notice.count, Some(notice.told_usec)));
        // A clock that was set back doesn't silence anybody.
        let tell = told.is_none_or(|told| now < told || now - told >= PAUSE);
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Notice {
            realtime_usec: now,
            level: level.to_owned(),
            text,
            count: count.saturating_add(1),
            told_usec: if tell { now } else { told.unwrap_or(now) },
        });
        tell
    }

    /// The remarks, the one made last at the end.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a remark is about.
fn subject(text: &str) -> impl Iterator<Item = char> {
    text.chars().take_while(|c| *c != ':').filter(|c| !c.is_ascii_digit())
}

/// Without line ends and other control characters, and not too long.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn texts(notices: &Notices) -> Vec<(&str, u64)> {
        notices.iter().map(|notice| (notice.text.as_str(), notice.count)).collect()
    }

    #[test]
    fn the_same_from_many_processes_is_one_remark() {
        let mut notices = Notices::default();
        assert!(notices.add(SECOND, "warning", "process 17 ignored: no"));
        assert!(!notices.add(SECOND + 1, "warning", "process 18 ignored: never"));
        assert!(notices.add(SECOND + 2, "warning", "full"));
        assert!(notices.add(2 * SECOND, "warning", "process 19 ignored: no"), "a second is over");
        assert!(!notices.add(2 * SECOND + 1, "warning", "process 20 ignored: no"));
        assert!(notices.add(7, "warning", "process 21 ignored: no"), "the clock was set back");
        assert_eq!(texts(&notices), [("full", 1), ("process 21 ignored: no", 5)]);
    }

    #[test]
    fn there_is_a_limit_to_everything() {
        let mut notices = Notices::default();
        for n in 0..200u32 {
            // Subjects that differ in more than numbers.
            let word: String = n.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            assert!(notices.add(u64::from(n), "info", &format!("{word}{}\n", "ä".repeat(1000))));
        }
        assert_eq!(notices.iter().count(), KEPT);
        assert!(notices.iter().all(|notice| notice.text.len() <= LONGEST + '…'.len_utf8()));
        assert!(notices.iter().all(|notice| !notice.text.contains('\n')));
        assert!(notices.iter().last().is_some_and(|notice| notice.text.starts_with("bjj")), "the latest is kept");
    }
}

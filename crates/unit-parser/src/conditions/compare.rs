//! Comparisons of numbers and versions, as `ConditionMemory=`, `ConditionKernelVersion=` and others spell them.

use std::cmp::Ordering;

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `=`, `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `>=`
    GreaterEqual,
    /// `>`
    Greater,
    /// `$=`: a shell pattern
    Matches,
    /// `!$=`
    MatchesNot,
}

impl Operator {
    /// Whether the order of the left side to the right one fulfils the operator. Patterns compare as equality here.
    #[must_use]
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Equal | Self::Matches => order.is_eq(),
            Self::NotEqual | Self::MatchesNot => order.is_ne(),
            Self::GreaterEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

/// Takes an operator off the front of a text.
#[must_use]
pub fn split_operator(text: &str) -> (Option<Operator>, &str) {
    // Longer ones first: `<=` begins with `<`.
    const OPERATORS: [(&str, Operator); 10] = [
        ("!$=", Operator::MatchesNot),
        ("$=", Operator::Matches),
        ("<=", Operator::LessEqual),
        (">=", Operator::GreaterEqual),
        ("!=", Operator::NotEqual),
        ("<>", Operator::NotEqual),
        ("==", Operator::Equal),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    for (spelling, operator) in OPERATORS {
        if let Some(rest) = text.strip_prefix(spelling) {
            return (Some(operator), rest.trim_start());
        }
    }
    (None, text)
}

/// The order of two version strings (UAPI version format specification, `systemd-analyze compare-versions`).
#[must_use]
pub fn versions(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        left = left.trim_start_matches(|c| !is_version_char(c));
        right = right.trim_start_matches(|c| !is_version_char(c));

        // `~` sorts before anything, even the end.
        match (left.strip_prefix('~'), right.strip_prefix('~')) {
            (Some(l), Some(r)) => {
                (left, right) = (l, r);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        if left.is_empty() || right.is_empty() {
            return left.len().min(1).cmp(&right.len().min(1));
        }
        // `-` starts a release, `^` a patch, `.` a component: each sorts before what may stand in its place.
        let mut separator = false;
        for c in ['-', '^', '.'] {
            match (left.strip_prefix(c), right.strip_prefix(c)) {
                (Some(l), Some(r)) => {
                    (left, right) = (l, r);
                    separator = true;
                    break;
                }
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => {}
            }
        }
        if separator {
            continue;
        }
        let digits = left.starts_with(|c: char| c.is_ascii_digit()) || right.starts_with(|c: char| c.is_ascii_digit());
        let kind = |c: char| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let (l, l_rest) = take(left, kind);
        let (r, r_rest) = take(right, kind);
        let order = if digits {
            let (l, r) = (l.trim_start_matches('0'), r.trim_start_matches('0'));
            // A number is newer than letters, and than nothing.
            let shown = |part: &str| !part.is_empty();
            let number = shown(take(left, kind).0).cmp(&shown(take(right, kind).0));
            number.then(l.len().cmp(&r.len())).then_with(|| l.cmp(r))
        } else {
            l.cmp(r)
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (l_rest, r_rest);
    }
}

fn is_version_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '~' | '-' | '^' | '.')
}

fn take(text: &str, kind: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !kind(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        use Ordering::{Equal, Greater, Less};
        for (left, right, order) in [
            ("1", "1", Equal),
            ("1.0", "1.0.1", Less),
            ("6.1.0-13-amd64", "6.2", Less),
            ("6.10", "6.9", Greater),
            ("1.0~rc1", "1.0", Less),
            ("1.0^patch", "1.0", Greater),
            ("123-1", "123.45", Less),
            ("abc", "1", Less),
            ("007", "7", Equal),
            ("", "1", Less),
        ] {
            assert_eq!(versions(left, right), order, "{left} {right}");
            assert_eq!(versions(right, left), order.reverse(), "{right} {left}");
        }
    }

    #[test]
    fn operators() {
        assert_eq!(split_operator(">= 5"), (Some(Operator::GreaterEqual), "5"));
        assert_eq!(split_operator("5"), (None, "5"));
        assert_eq!(split_operator("!=x"), (Some(Operator::NotEqual), "x"));
    }
}

//! Shell patterns as fnmatch(3) and glob(7) know them: `*`, `?`, `[a-z]`, `[!x]`, `\x`.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether the whole text matches the pattern.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    match_from(&pattern, &text)
}

/// Whether the text is a pattern at all.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Two indices and one point to return to: the last `*` may take one character more. No recursion, so that no pattern is slow.
fn match_from(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(_) => one(&pattern[p..], text[t]),
            None => None,
        };
        if let Some(used) = step {
            p += used;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            star = Some((star_p, star_t + 1));
            p = star_p + 1;
            t = star_t + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How many characters of the pattern match this one character; `None` if it doesn't match.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', rest @ ..] => match set(rest, c) {
            Some((true, used)) => Some(used + 1),
            Some((false, _)) => None,
            None => (c == '[').then_some(1),
        },
        ['\\', literal, ..] => (*literal == c).then_some(2),
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

/// A bracket expression after its `[`: whether it holds the character, and its length with the `]`. `None` without a `]`.
fn set(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let mut at = usize::from(negated);
    let first = at;
    let mut found = false;
    loop {
        match *pattern.get(at)? {
            ']' if at > first => return Some((found != negated, at + 1)),
            low => {
                let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
                    (Some('-'), Some(high)) if *high != ']' => {
                        at += 2;
                        *high
                    }
                    _ => low,
                };
                found |= (low..=high).contains(&c);
                at += 1;
            }
        }
    }
}

/// Whether any file matches the pattern of an absolute path.
#[must_use]
pub fn any_file(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    any_below(&PathBuf::from("/"), &parts)
}

fn any_below(dir: &Path, parts: &[&str]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return fs::symlink_metadata(dir).is_ok();
    };
    if !is_pattern(part) {
        return any_below(&dir.join(part), rest);
    }
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { return false };
        // A leading dot has to be asked for (glob(7)).
        (part.starts_with('.') || !name.starts_with('.')) && matches(part, name) && any_below(&entry.path(), rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*.service", "a.service", true),
            ("*.service", "a.socket", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a[0-9]*", "a7x", true),
            ("a[!0-9]", "a7", false),
            ("a[]x]", "a]", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("[", "[", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_stars_is_not_slow() {
        let pattern = "*a".repeat(40);
        assert!(!matches(&pattern, &"a".repeat(39)));
        assert!(!matches(&pattern, &format!("{}b", "a".repeat(5000))));
    }

    #[test]
    fn files() {
        assert!(any_file("/pro[c]/sel?/stat*"));
        assert!(!any_file("/proc/self/nothing-like-*"));
    }
}

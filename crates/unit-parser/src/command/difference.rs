//! Two texts, line by line, in the unified form of diff(1).

use std::fmt::Write;

/// Lines around a change that are shown too.
const CONTEXT: usize = 3;

/// Texts of more lines than this are shown as all gone and all new: what is between them grows with the square.
const MAX_LINES: usize = 2000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Keep,
    Remove,
    Add,
}

/// What to do with the lines of both, in order: the longest common sequence of lines stays.
fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        return [vec![Step::Remove; old.len()], vec![Step::Add; new.len()]].concat();
    }
    let width = new.len() + 1;
    let mut longest = vec![0u16; (old.len() + 1) * width];
    let at = |table: &[u16], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    for (i, before) in old.iter().enumerate().rev() {
        for (j, after) in new.iter().enumerate().rev() {
            let best = if before == after {
                at(&longest, i + 1, j + 1) + 1
            } else {
                at(&longest, i + 1, j).max(at(&longest, i, j + 1))
            };
            if let Some(cell) = longest.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    loop {
        out.push(match (old.get(i), new.get(j)) {
            (Some(before), Some(after)) if before == after => Step::Keep,
            (Some(_), Some(_)) if at(&longest, i + 1, j) < at(&longest, i, j + 1) => Step::Add,
            (Some(_), _) => Step::Remove,
            (None, Some(_)) => Step::Add,
            (None, None) => return out,
        });
        i += usize::from(out.last() != Some(&Step::Add));
        j += usize::from(out.last() != Some(&Step::Remove));
    }
}

/// The difference of two texts; empty if there is none.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let steps = steps(&old, &new);
    let near = |at: usize| {
        let around = steps.iter().skip(at.saturating_sub(CONTEXT)).take(CONTEXT + 1 + at.min(CONTEXT));
        around.copied().any(|step| step != Step::Keep)
    };
    let mut out = String::new();
    let (mut i, mut j) = (0, 0);
    let mut hunk: Option<(usize, usize, Vec<String>)> = None;
    for (at, step) in steps.iter().enumerate() {
        let (mark, line) = match step {
            Step::Keep | Step::Remove => (if *step == Step::Keep { ' ' } else { '-' }, old.get(i)),
            Step::Add => ('+', new.get(j)),
        };
        if near(at) {
            let (_, _, lines) = hunk.get_or_insert_with(|| (i, j, Vec::new()));
            lines.push(format!("{mark}{}", line.unwrap_or(&"")));
        } else {
            flush(&mut out, hunk.take());
        }
        i += usize::from(*step != Step::Add);
        j += usize::from(*step != Step::Remove);
    }
    flush(&mut out, hunk);
    out
}

fn flush(out: &mut String, hunk: Option<(usize, usize, Vec<String>)>) {
    let Some((old, new, lines)) = hunk else { return };
    let count = |without: char| lines.iter().filter(|line| !line.starts_with(without)).count();
    let start = |at: usize, count: usize| if count == 0 { at } else { at + 1 };
    let (removed, added) = (count('+'), count('-'));
    let _ = writeln!(out, "@@ -{},{removed} +{},{added} @@", start(old, removed), start(new, added));
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn hunks() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n";
        let new = "1\n2\nthree\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let expected = "@@ -1,6 +1,6 @@\n 1\n 2\n-3\n+three\n 4\n 5\n 6\n@@ -9,3 +9,4 @@\n 9\n 10\n 11\n+12\n";
        assert_eq!(unified(old, new), expected);
        assert_eq!(unified(old, old), "");
        assert_eq!(unified("", "a\n"), "@@ -0,0 +1,1 @@\n+a\n");
    }
}

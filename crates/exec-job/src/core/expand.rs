//! Variables in command lines (systemd.service(5), "Command lines"): `${X}` within a word, `$X` as a word of its own, which
//! is split; `$$` is a dollar sign. Nothing else of a shell.

/// The arguments with variables replaced, and the names that had no value.
pub fn arguments(argv: &[String], lookup: &dyn Fn(&str) -> Option<String>) -> (Vec<String>, Vec<String>) {
    let mut words = Vec::with_capacity(argv.len());
    let mut missing = Vec::new();
    for word in argv {
        match whole_variable(word) {
            Some(name) => match lookup(name) {
                Some(value) => words.extend(split(&value)),
                // A dollar sign alone is a variable without a name: it vanishes.
                None if name.is_empty() => {}
                None => missing.push(name.to_owned()),
            },
            None => words.push(within(word, lookup, &mut missing)),
        }
    }
    (words, missing)
}

/// `$NAME`, alone: the only form that may become several words, or none.
fn whole_variable(word: &str) -> Option<&str> {
    let name = word.strip_prefix('$')?;
    (!name.starts_with(['{', '$'])).then_some(name)
}

fn within(word: &str, lookup: &dyn Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = braced(after) {
            match lookup(name) {
                Some(value) => out.push_str(&value),
                None => missing.push(name.to_owned()),
            }
            rest = tail;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// `{NAME}` and what follows. What a shell makes of a colon in there is not for command lines: such text stays.
fn braced(text: &str) -> Option<(&str, &str)> {
    let (name, tail) = text.strip_prefix('{')?.split_once('}')?;
    (!name.contains(':')).then_some((name, tail))
}

/// Words of a value: at whitespace, quotes keep together.
fn split(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, '\\') => {
                if let Some(next) = chars.next() {
                    word.get_or_insert_default().push(next);
                }
            }
            (None, c) if c.is_ascii_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let lookup = |name: &str| match name {
            "ONE" => Some("one".to_owned()),
            "TWO" => Some("two two".to_owned()),
            "QUOTED" => Some("'a b' c".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let table: [(&str, &[&str]); 12] = [
            ("$ONE", &["one"]),
            ("$TWO", &["two", "two"]),
            ("${TWO}", &["two two"]),
            ("x${ONE}y$ONE", &["xoney$ONE"]),
            ("$QUOTED", &["a b", "c"]),
            ("$EMPTY", &[]),
            ("${EMPTY}", &[""]),
            ("$$ONE$$", &["$ONE$"]),
            ("${unclosed", &["${unclosed"]),
            ("$", &[]),
            ("x$", &["x$"]),
            ("${ONE:-${TWO}}", &["${ONE:-two two}"]),
        ];
        for (word, want) in table {
            let (words, missing) = arguments(&[word.to_owned()], &lookup);
            assert_eq!(words, want, "{word}");
            assert!(missing.is_empty());
        }
        let (words, missing) = arguments(&["$NONE".to_owned(), "<${NONE}>".to_owned()], &lookup);
        assert_eq!(words, ["<>"]);
        assert_eq!(missing, ["NONE", "NONE"]);
    }
}

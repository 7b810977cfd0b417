//! Variables in the command lines of control commands (systemd.service(5), "Command lines").

/// The arguments with `$$`, `${NAME}` and a whole word `$NAME` replaced; the latter is split at white space.
pub fn expand(argv: &[String], lookup: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut words = Vec::with_capacity(argv.len());
    for word in argv {
        match word.strip_prefix('$') {
            Some(name) if !name.is_empty() && !name.starts_with(['$', '{']) => {
                let value = lookup(name).unwrap_or_default();
                words.extend(value.split_ascii_whitespace().map(str::to_owned));
            }
            _ => words.push(within(word, lookup)),
        }
    }
    words
}

fn within(word: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            out.push_str(&lookup(name).unwrap_or_default());
            rest = tail;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let lookup = |name: &str| (name == "X").then(|| "a b".to_owned());
        for (word, want) in [
            ("$X", vec!["a", "b"]),
            ("${X}", vec!["a b"]),
            ("<${X}$X>", vec!["<a b$X>"]),
            ("$$X ${Y}", vec!["$X "]),
            ("$Y", vec![]),
            ("$", vec!["$"]),
        ] {
            assert_eq!(expand(&[word.to_owned()], &lookup), want, "{word}");
        }
    }
}

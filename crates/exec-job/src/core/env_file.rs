//! `EnvironmentFile=` (systemd.exec(5)): shell-like assignments, read at each start.

/// Reads the text of a file: the assignments in order, and the lines that are none.
pub fn parse(text: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut reader = Reader { assignments: Vec::new(), bad: Vec::new() };
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        reader.line(&mut chars);
    }
    (reader.assignments, reader.bad)
}

struct Reader {
    assignments: Vec<(String, String)>,
    bad: Vec<String>,
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

impl Reader {
    /// One line, with its continuations.
    fn line(&mut self, chars: &mut Chars<'_>) {
        let mut key = String::new();
        loop {
            match chars.next() {
                None | Some('\n' | '\r') => {
                    if !key.trim().is_empty() {
                        self.bad.push(key);
                    }
                    return;
                }
                Some('#' | ';') if key.trim().is_empty() => return skip_comment(chars),
                Some('=') => break,
                Some(c) => key.push(c),
            }
        }
        let value = value(chars);
        let key = key.trim();
        if is_name(key) {
            self.assignments.push((key.to_owned(), value));
        } else {
            self.bad.push(format!("{key}={value}"));
        }
    }
}

/// A comment may be continued by a backslash too.
fn skip_comment(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\n' => return,
            '\\' => {
                chars.next();
            }
            _ => {}
        }
    }
}

fn value(chars: &mut Chars<'_>) -> String {
    let mut value = String::new();
    // Length up to which whitespace at the end belongs to the value: quoted or escaped.
    let mut keep = 0;
    // A quote opens only where a value, or a further part of one after a closing quote, begins.
    let mut fresh = true;
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' => break,
            '\'' if fresh => {
                for c in chars.by_ref() {
                    if c == '\'' {
                        break;
                    }
                    value.push(c);
                }
                keep = value.len();
            }
            '"' if fresh => {
                double_quoted(chars, &mut value);
                keep = value.len();
            }
            '\\' => {
                fresh = false;
                match chars.next() {
                    // A backslash at the end of a line joins it with the next.
                    Some('\n' | '\r') | None => {}
                    Some(c) => {
                        value.push(c);
                        keep = value.len();
                    }
                }
            }
            c if fresh && c.is_ascii_whitespace() => {}
            c => {
                fresh = false;
                value.push(c);
            }
        }
    }
    let trimmed = value.trim_end_matches(|c: char| c.is_ascii_whitespace()).len();
    value.truncate(trimmed.max(keep));
    value
}

fn double_quoted(chars: &mut Chars<'_>, value: &mut String) {
    while let Some(c) = chars.next() {
        match c {
            '"' => return,
            '\\' => match chars.next() {
                Some(c @ ('"' | '\\' | '`' | '$')) => value.push(c),
                Some('\n') | None => {}
                Some(c) => {
                    value.push('\\');
                    value.push(c);
                }
            },
            c => value.push(c),
        }
    }
}

/// Whether this can name a variable.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_continuation() {
        let text = "# a comment \\\nstill\n; another\nPLAIN=value\n  INDENTED=x\nSPACES=a b  c   \nDQ=\"double \\\"quoted\\\" $HOME\"\n\
                    SQ='single $x \"y\"'\nMIX=a\"b c\"d\nESC=a\\nb\\$c\nCONT=first \\\nsecond\nEMPTY=\nBAD LINE\nexport EXP=1\n=novalue\n\
                    TWO='a 'b\nKEPT=x\\ \n";
        let (assignments, bad) = parse(text);
        let want = [
            ("PLAIN", "value"),
            ("INDENTED", "x"),
            ("SPACES", "a b  c"),
            ("DQ", "double \"quoted\" $HOME"),
            ("SQ", "single $x \"y\""),
            ("MIX", "a\"b c\"d"),
            ("ESC", "anb$c"),
            ("CONT", "first second"),
            ("EMPTY", ""),
            ("TWO", "a b"),
            ("KEPT", "x "),
        ];
        let have: Vec<(&str, &str)> = assignments.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(have, want);
        assert_eq!(bad, ["BAD LINE", "export EXP=1", "=novalue"]);
    }
}

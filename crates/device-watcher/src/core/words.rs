//! Lists in udev properties: words between blanks, with quotes.

/// What a backslash does in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backslash {
    /// It is a character like any other, as in `SYSTEMD_WANTS=`, where names hold `\x2d`.
    Kept,
    /// It goes away and makes the next character an ordinary one, as in `SYSTEMD_ALIAS=`.
    Escapes,
}

/// Splits a list into its words. A quote that isn't closed ends the list before its word, as in systemd.
pub fn split(text: &str, backslash: Backslash) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) if backslash == Backslash::Escapes => match characters.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return words,
            },
            (_, Some(open)) if character == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (_, None) if character.is_ascii_whitespace() => words.extend(word.take()),
            (_, _) => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_none() {
        words.extend(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_systemd_splits_them() {
        for (text, backslash, words) in [
            ("", Backslash::Kept, &[][..]),
            ("  a\t b ", Backslash::Kept, &["a", "b"]),
            (r"a\x2db 'c\x2dd' e\ f", Backslash::Kept, &[r"a\x2db", r"c\x2dd", r"e\", "f"]),
            ("x'y'z ''", Backslash::Kept, &["xyz", ""]),
            ("one 'two three", Backslash::Kept, &["one"]),
            (r"/a\x2db '/c d' /e\ f", Backslash::Escapes, &["/ax2db", "/c d", "/e f"]),
            (r"/a \", Backslash::Escapes, &["/a"]),
        ] {
            assert_eq!(split(text, backslash), words, "{text}");
        }
    }
}

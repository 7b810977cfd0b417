//! A complaint with the line that it is about.

use std::fmt::Write;

use unit_parser::{Diagnostic, Severity};

/// The complaint as text of several lines, the source line and a caret among them.
pub fn render(diagnostic: &Diagnostic, source: &[u8]) -> String {
    let text = String::from_utf8_lossy(source);
    let index = usize::try_from(diagnostic.line).unwrap_or(0).checked_sub(1);
    let source = index.and_then(|index| text.lines().nth(index));
    with_source(diagnostic, source)
}

fn with_source(diagnostic: &Diagnostic, source: Option<&str>) -> String {
    let level = match diagnostic.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut out = format!("{level}[{}]: {}\n", diagnostic.code, diagnostic.message);
    let file = diagnostic.file.display();
    if diagnostic.line == 0 {
        let _ = writeln!(out, " --> {file}");
    } else {
        let (line, column) = (diagnostic.line, diagnostic.column);
        let margin = " ".repeat(line.to_string().len());
        let _ = writeln!(out, "{margin}--> {file}:{line}:{column}");
        if let Some(source) = source {
            let before = usize::try_from(column).unwrap_or(1).saturating_sub(1);
            let left = source.chars().count().saturating_sub(before);
            let (start, end) = diagnostic.span;
            let length = usize::try_from(end.saturating_sub(start)).unwrap_or(1).clamp(1, left.max(1));
            // Tabs stay tabs, so that the caret stands below its character.
            let pad: String = source.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let _ = writeln!(out, "{margin} |\n{line} | {source}\n{margin} | {pad}{}", "^".repeat(length));
        }
    }
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(out, " = help: {hint}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caret_below_its_word() {
        let diagnostic = Diagnostic {
            file: "a.service".into(),
            line: 12,
            column: 3,
            span: (40, 46),
            code: "unknown-key".to_owned(),
            severity: Severity::Warning,
            message: "unknown key Restrt= in [Service]".to_owned(),
            hint: Some("did you mean Restart=?".to_owned()),
        };
        let expected = "\
warning[unknown-key]: unknown key Restrt= in [Service]
  --> a.service:12:3
   |
12 |   Restrt=always
   |   ^^^^^^
 = help: did you mean Restart=?
";
        assert_eq!(with_source(&diagnostic, Some("  Restrt=always")), expected);
    }
}

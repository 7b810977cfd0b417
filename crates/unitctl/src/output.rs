//! Tables, colours and timestamps on the terminal.

use std::io::IsTerminal;

/// Rows of cells, printed with columns as wide as their widest cell.
#[derive(Debug, Default)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// As text, header first unless `legend` is false.
    pub fn render(&self, legend: bool) -> String {
        let width = |column: usize| {
            let head = if legend { self.header.get(column).map_or(0, |head| head.len()) } else { 0 };
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(head)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = String::new();
        if legend && !self.rows.is_empty() {
            text.push_str(&line(&self.header, &widths));
        }
        for row in &self.rows {
            text.push_str(&line(row, &widths));
        }
        text
    }
}

fn line<S: AsRef<str>>(cells: &[S], widths: &[usize]) -> String {
    let padded: Vec<String> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{:width$}", cell.as_ref())).collect();
    format!("{}\n", padded.join(" ").trim_end())
}

/// The dot before a unit's name, coloured on a terminal.
pub fn dot(active: &str) -> String {
    let (mark, colour) = match active {
        "active" | "reloading" => ("●", "32"),
        "failed" => ("×", "31"),
        "activating" | "deactivating" => ("●", "33"),
        _ => ("○", "0"),
    };
    if std::io::stdout().is_terminal() { format!("\u{1b}[{colour}m{mark}\u{1b}[0m") } else { mark.to_owned() }
}

/// CLOCK_REALTIME µs as local time; empty for 0.
pub fn timestamp(usec: u64) -> String {
    let Some(time) = i64::try_from(usec).ok().filter(|usec| *usec > 0) else { return String::new() };
    match jiff::Timestamp::from_microsecond(time) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%a %Y-%m-%d %H:%M:%S%.3f %Z").to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["UNIT", "LOAD"]);
        table.row(vec!["a.service".into(), "loaded".into()]);
        assert_eq!(table.render(true), "UNIT      LOAD\na.service loaded\n");
        assert_eq!(table.render(false), "a.service loaded\n");
    }

    #[test]
    fn no_time_is_empty() {
        assert_eq!(timestamp(0), "");
        assert!(timestamp(1_700_000_000_000_000).contains("2023"));
    }
}

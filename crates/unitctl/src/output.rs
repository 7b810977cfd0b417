//! Tables and colours on the terminal.

use std::io::IsTerminal;

/// Rows of cells, printed with columns as wide as their widest cell.
#[derive(Debug, Default)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// A cell: its text, and the colour it gets on a terminal.
#[derive(Debug, Clone)]
pub struct Cell(String, Colour);

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell(text, Colour::Plain)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell(text.to_owned(), Colour::Plain)
    }
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Nothing.
    Plain,
    /// Good.
    Green,
    /// Wait, or look.
    Yellow,
    /// Failed.
    Red,
    /// Of no importance.
    Grey,
}

/// Whether stdout understands colours (NO_COLOR and SYSTEMD_COLORS=0 say no).
fn coloured() -> bool {
    let refused = |name: &str, values: &[&str]| std::env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && !refused("SYSTEMD_COLORS", &["0", "no", "false"])
        && !refused("TERM", &["dumb"])
}

/// Text in a colour, if stdout understands colours.
pub fn paint(text: &str, colour: Colour) -> String {
    let code = match colour {
        Colour::Plain => return text.to_owned(),
        Colour::Green => "0;1;32",
        Colour::Yellow => "0;1;33",
        Colour::Red => "0;1;31",
        Colour::Grey => "0;90",
    };
    if coloured() && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// The colour of an active state.
pub fn colour_of(active: &str) -> Colour {
    match active {
        "active" | "reloading" => Colour::Green,
        "failed" => Colour::Red,
        "activating" | "deactivating" | "maintenance" => Colour::Yellow,
        _ => Colour::Plain,
    }
}

/// The dot before a unit's name.
pub fn dot(active: &str) -> String {
    let mark = match active {
        "failed" => "×",
        "inactive" | "maintenance" => "○",
        "reloading" => "↻",
        _ => "●",
    };
    paint(mark, colour_of(active))
}

impl Table {
    /// A table with these column heads.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// As text, header first unless `legend` is false.
    pub fn render(&self, legend: bool) -> String {
        let width = |column: usize| {
            let head = if legend { self.header.get(column).map_or(0, |head| head.len()) } else { 0 };
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|Cell(text, _)| text.chars().count()).max().unwrap_or(0).max(head)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = String::new();
        if legend && !self.rows.is_empty() {
            let heads: Vec<Cell> = self.header.iter().map(|head| Cell::from(*head)).collect();
            text.push_str(&line(&heads, &widths));
        }
        for row in &self.rows {
            text.push_str(&line(row, &widths));
        }
        text
    }
}

impl Cell {
    /// A cell in a colour.
    pub fn painted(text: impl Into<String>, colour: Colour) -> Cell {
        Cell(text.into(), colour)
    }
}

fn line(cells: &[Cell], widths: &[usize]) -> String {
    let mut text = String::new();
    for (index, (Cell(cell, colour), width)) in cells.iter().zip(widths).enumerate() {
        text.push_str(&paint(cell, *colour));
        if index + 1 < cells.len() {
            text.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 1));
        }
    }
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["UNIT", "LOAD"]);
        table.row(["a.service".into(), Cell::painted("loaded", Colour::Green)]);
        assert_eq!(table.render(true), "UNIT      LOAD\na.service loaded\n");
        assert_eq!(table.render(false), "a.service loaded\n");
    }
}

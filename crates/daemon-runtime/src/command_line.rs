//! Parsing a program's command line, and the man page made from the same declarations.

use std::io::Write;

use clap::{CommandFactory, Parser};

/// First argument that prints the man page (troff) instead of running; for packagers, hidden from `--help`.
pub const MAN_PAGE: &str = "--man-page";

/// Parses the command line, as clap does: errors, `--help` and `--version` end the process.
pub fn parse<T: Parser + CommandFactory>() -> T {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|argument| argument == MAN_PAGE) && arguments.next().is_none() {
        let printed = man_page(T::command(), &mut std::io::stdout());
        std::process::exit(i32::from(printed.is_err()));
    }
    T::parse()
}

/// Writes the man page of a command, with a section for every subcommand.
///
/// # Errors
/// The writer's.
pub fn man_page(command: clap::Command, out: &mut impl Write) -> std::io::Result<()> {
    let mut command = command;
    command.build();
    let subcommands: Vec<clap::Command> =
        command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help").cloned().collect();
    let page = clap_mangen::Man::new(command).section("8").manual("Quintet").date("");
    page.render(out)?;
    for subcommand in subcommands {
        let name = subcommand.get_display_name().unwrap_or(subcommand.get_name()).replace('-', "\\-");
        let page = clap_mangen::Man::new(subcommand);
        writeln!(out, ".SH \"COMMAND {}\"", name.to_uppercase())?;
        page.render_description_section(&mut Headless(&mut *out))?;
        page.render_options_section(&mut Headless(&mut *out))?;
    }
    out.flush()
}

/// Turns a page's section heads into smaller ones: a subcommand's sections are parts of the program's page.
struct Headless<'a, W: Write>(&'a mut W);

impl<W: Write> Write for Headless<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).replace(".SH ", ".SS ");
        self.0.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_options_and_subcommands() {
        let command = clap::Command::new("tool")
            .about("Does things")
            .arg(clap::Arg::new("fast").long("fast").help("Be quick"))
            .subcommand(clap::Command::new("go").about("Goes").arg(clap::Arg::new("far").long("far").help("Distance")));
        let mut page = Vec::new();
        man_page(command, &mut page).expect("a page");
        let page = String::from_utf8(page).expect("text");
        for part in [".TH", "Does things", "Be quick", "Goes", "Distance"] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}

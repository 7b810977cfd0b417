//! The man page, made from the declarations of the command line. Like the daemons', which this program can't borrow it from:
//! it shall be useful with nothing else installed.

use std::io::Write;

use clap::{CommandFactory, Parser};

use super::Command;

/// Parses the command line; `--man-page` alone prints the man page (troff) instead, for packagers.
pub fn parse() -> Command {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|argument| argument == "--man-page") && arguments.next().is_none() {
        let printed = print(&mut std::io::stdout());
        std::process::exit(i32::from(printed.is_err()));
    }
    Command::parse()
}

fn print(out: &mut impl Write) -> std::io::Result<()> {
    let mut command = Command::command();
    command.build();
    let verbs: Vec<clap::Command> =
        command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help").cloned().collect();
    clap_mangen::Man::new(command).section("8").manual("Quintet").date("").render(out)?;
    for verb in verbs {
        let name = verb.get_display_name().unwrap_or(verb.get_name()).replace('-', "\\-");
        writeln!(out, ".SH \"COMMAND {}\"", name.to_uppercase())?;
        let page = clap_mangen::Man::new(verb);
        let mut sections = Vec::new();
        page.render_description_section(&mut sections)?;
        page.render_options_section(&mut sections)?;
        // A verb's sections are parts of the program's page.
        out.write_all(String::from_utf8_lossy(&sections).replace(".SH ", ".SS ").as_bytes())?;
    }
    out.flush()
}

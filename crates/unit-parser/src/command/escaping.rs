//! `unit-parser escape` and `unit-parser unescape` (systemd-escape(1)).

use clap::Args;
use unit_parser::{UnitName, UnitType, escape};

use super::Outcome;

/// Turns texts into parts of unit names.
#[derive(Debug, Args)]
pub struct Escape {
    /// The texts.
    #[arg(required = true)]
    texts: Vec<String>,
    /// They are paths.
    #[arg(short, long)]
    path: bool,
    /// Add a suffix: `mount`, `service`, ...
    #[arg(long, value_parser = unit_type, conflicts_with = "template")]
    suffix: Option<UnitType>,
    /// Put them into a template's name as instances: `getty@.service`.
    #[arg(long, value_parser = template)]
    template: Option<UnitName>,
    /// Leave what is a valid name as it is, escape only what must be.
    #[arg(short, long, conflicts_with_all = ["path", "suffix", "template"])]
    mangle: bool,
}

fn unit_type(text: &str) -> Result<UnitType, String> {
    UnitType::from_suffix(text).ok_or_else(|| "not a type of unit".to_owned())
}

fn template(text: &str) -> Result<UnitName, String> {
    let name = UnitName::parse(text).map_err(|e| e.to_string())?;
    if name.is_template() { Ok(name) } else { Err("not a template like getty@.service".to_owned()) }
}

/// Prints results in one line; complains about the others.
fn print(results: impl Iterator<Item = Result<String, String>>) -> Outcome {
    let mut good = Vec::new();
    let mut outcome = Outcome::Good;
    for result in results {
        match result {
            Ok(text) => good.push(text),
            Err(error) => {
                eprintln!("unit-parser: {error}");
                outcome = Outcome::Bad;
            }
        }
    }
    println!("{}", good.join(" "));
    outcome
}

impl Escape {
    pub(super) fn run(&self) -> Outcome {
        print(self.texts.iter().map(|text| self.one(text)))
    }

    fn one(&self, text: &str) -> Result<String, String> {
        let wrap = |error: &dyn std::fmt::Display| format!("{text}: {error}");
        if self.mangle {
            return UnitName::mangle(text).map(|name| name.to_string()).map_err(|e| wrap(&e));
        }
        let escaped = if self.path { escape::path_escape(text).map_err(|e| wrap(&e))? } else { escape::escape(text) };
        match (&self.template, self.suffix) {
            (Some(template), _) => template.with_instance(&escaped).map(|name| name.to_string()).map_err(|e| wrap(&e)),
            (None, Some(suffix)) => Ok(format!("{escaped}.{suffix}")),
            (None, None) => Ok(escaped),
        }
    }
}

/// Turns parts of unit names back.
#[derive(Debug, Args)]
pub struct Unescape {
    /// The escaped texts.
    #[arg(required = true)]
    texts: Vec<String>,
    /// They stand for paths.
    #[arg(short, long)]
    path: bool,
}

impl Unescape {
    pub(super) fn run(&self) -> Outcome {
        print(self.texts.iter().map(|text| {
            let plain = if self.path { escape::path_unescape(text) } else { escape::unescape(text) };
            plain.map_err(|e| format!("{text}: {e}"))
        }))
    }
}

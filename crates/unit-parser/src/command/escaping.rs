//! `unit-parser escape` and `unit-parser unescape`, with the output of systemd-escape(1).

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use clap::Args;
use unit_parser::{UnitName, UnitType, escape};

use super::Outcome;

/// Turns texts into parts of unit names.
#[derive(Debug, Args)]
pub struct Escape {
    /// The texts.
    #[arg(required = true)]
    texts: Vec<OsString>,
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

/// Prints results in one line, up to the first that went wrong.
fn print(results: impl Iterator<Item = Result<Vec<u8>, String>>) -> Outcome {
    let mut line = Vec::new();
    let mut outcome = Outcome::Good;
    for (number, result) in results.enumerate() {
        match result {
            Ok(text) => {
                if number > 0 {
                    line.push(b' ');
                }
                line.extend(text);
            }
            Err(error) => {
                eprintln!("unit-parser: {error}");
                outcome = Outcome::Bad;
                break;
            }
        }
    }
    if outcome == Outcome::Good {
        line.push(b'\n');
    }
    if let Err(error) = std::io::stdout().write_all(&line) {
        eprintln!("unit-parser: {error}");
        outcome = Outcome::Bad;
    }
    outcome
}

fn utf8(text: &OsString) -> Result<&str, String> {
    text.to_str().ok_or_else(|| format!("{}: not valid UTF-8", text.to_string_lossy()))
}

impl Escape {
    pub(super) fn run(&self) -> Outcome {
        print(self.texts.iter().map(|text| self.one(text).map(String::into_bytes)))
    }

    fn one(&self, text: &OsString) -> Result<String, String> {
        let wrap = |error: &dyn std::fmt::Display| format!("{}: {error}", text.to_string_lossy());
        if self.mangle {
            return UnitName::mangle(utf8(text)?).map(|name| name.to_string()).map_err(|e| wrap(&e));
        }
        let escaped = if self.path {
            let path = utf8(text)?;
            if !path.starts_with('/') {
                eprintln!("unit-parser: {path:?} is not an absolute path: it won't come back as it is");
            }
            // As systemd-escape: no path is the root.
            escape::path_escape(if path.is_empty() { "/" } else { path }).map_err(|e| wrap(&e))?
        } else {
            escape::escape_bytes(text.as_bytes())
        };
        match (&self.template, self.suffix) {
            (Some(_), _) if escaped.is_empty() => Err("an instance can't be empty".to_owned()),
            (Some(template), _) => template.with_instance(&escaped).map(|name| name.to_string()).map_err(|e| wrap(&e)),
            (None, Some(suffix)) => Ok(format!("{escaped}.{suffix}")),
            (None, None) => Ok(escaped),
        }
    }
}

/// Turns parts of unit names back.
#[derive(Debug, Args)]
pub struct Unescape {
    /// The escaped texts, or with --template and --instance whole names.
    #[arg(required = true)]
    texts: Vec<String>,
    /// They stand for paths.
    #[arg(short, long)]
    path: bool,
    /// They are instances of this template: take the instance out of the name.
    #[arg(long, value_parser = template)]
    template: Option<UnitName>,
    /// They are names of instances: take the instance out of the name.
    #[arg(long, conflicts_with = "template")]
    instance: bool,
}

impl Unescape {
    pub(super) fn run(&self) -> Outcome {
        print(self.texts.iter().map(|text| self.one(text).map_err(|e| format!("{text}: {e}"))))
    }

    fn one(&self, text: &str) -> Result<Vec<u8>, String> {
        let name;
        let escaped = if self.instance || self.template.is_some() {
            name = UnitName::parse(text).map_err(|e| e.to_string())?;
            if let Some(template) = &self.template
                && name.template().as_ref() != Some(template)
            {
                return Err(format!("not an instance of {template}"));
            }
            name.instance().ok_or("not an instance of a template")?
        } else {
            text
        };
        let plain = if self.path { escape::path_unescape_bytes(escaped) } else { escape::unescape_bytes(escaped) };
        let mut plain = plain.map_err(|e| e.to_string())?;
        // A C program's text ends here.
        plain.truncate(plain.iter().position(|byte| *byte == 0).unwrap_or(plain.len()));
        Ok(plain)
    }
}

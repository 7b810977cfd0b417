//! udev rules of packages that start units, rewritten so that network devices made for a test match them: what is assigned
//! stays as the package wrote it, what would have to be matched (a sensor, a disk array) goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::programs::target_directory;

/// What one line of a package's rules says about units.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// `ENV{SYSTEMD_WANTS}+="a.service"` and the like, in order.
    pub assignments: Vec<String>,
}

impl Shape {
    /// The rule for one network device. Variables that the package's other rules would have set have some value.
    pub fn rule(&self, interface: &str) -> String {
        let mut line = format!("SUBSYSTEM==\"net\", KERNEL==\"{interface}\"");
        for name in self.assignments.iter().flat_map(|text| variables(text)) {
            line += &format!(", ENV{{{name}}}=\"{}\"", name.to_lowercase());
        }
        line += ", TAG+=\"systemd\"";
        for assignment in &self.assignments {
            line += &format!(", {assignment}");
        }
        line
    }
}

/// `$env{NAME}` of a value, but for what the kernel sets.
fn variables(text: &str) -> Vec<String> {
    let names = text.split("$env{").skip(1).filter_map(|rest| rest.split('}').next());
    names.filter(|name| *name != "SUBSYSTEM").map(str::to_owned).collect()
}

/// What the rules files say about units, without doubles, in a fixed order.
pub fn shapes(files: &[PathBuf]) -> Vec<Shape> {
    let mut shapes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap_or_default().replace("\\\n", " ");
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let mut assignments: Vec<String> =
                tokens(line).into_iter().filter_map(|token| assignment(&token)).collect();
            assignments.dedup();
            if assignments.iter().any(|text| text.contains("_WANTS}") || text.contains("_ALIAS}")) {
                shapes.insert(Shape { assignments });
            }
        }
    }
    shapes.into_iter().collect()
}

/// Splits a rule at its commas, those in quotes aside.
fn tokens(line: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            ',' if !quoted => tokens.push(String::new()),
            _ => {
                quoted ^= character == '"';
                if let Some(token) = tokens.last_mut() {
                    token.push(character);
                }
            }
        }
    }
    tokens.iter().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()).collect()
}

/// An assignment to `ENV{SYSTEMD_...}`, with fixed values for what only the real device has.
fn assignment(token: &str) -> Option<String> {
    let rest = token.strip_prefix("ENV{SYSTEMD_")?;
    let (name, value) = rest.split_once('}')?;
    let (operator, value) = value.split_at(value.find('"')?);
    let assigns = matches!(operator.trim(), "=" | "+=" | ":=");
    let known = matches!(name, "WANTS" | "USER_WANTS" | "ALIAS" | "READY");
    if !assigns || !known {
        return None;
    }
    let mut value = value.replace("%c", "result").replace("$result", "/dev/vfio/result");
    while let Some(start) = value.find("$attr{") {
        let end = start + value.get(start..)?.find('}')?;
        value.replace_range(start..=end, "attribute");
    }
    Some(format!("ENV{{SYSTEMD_{name}}}{}{value}", operator.trim()))
}

/// The rules files of packages, unpacked without what they depend on: those that the archive has, perhaps none.
pub fn of_packages(packages: &[&str]) -> Vec<PathBuf> {
    let root = target_directory().join("debian-rules");
    let _ = fs::create_dir_all(&root);
    let mut files = Vec::new();
    for package in packages {
        let dir = root.join(package);
        if !dir.exists() && !unpack(package, &dir) {
            println!("not available, left out: the rules of Debian's {package}");
            continue;
        }
        files.extend(["lib", "usr/lib"].iter().flat_map(|lib| in_directory(&dir.join(lib).join("udev/rules.d"))));
    }
    files
}

/// The `.rules` files of a directory, by name.
pub fn in_directory(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|x| x == "rules")).collect();
    files.sort();
    files
}

fn unpack(package: &str, dir: &Path) -> bool {
    let new = dir.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    if fs::create_dir_all(&new).is_err() {
        return false;
    }
    let line = "apt-get download -q \"$1\" && dpkg-deb -x ./*.deb . && rm -f ./*.deb";
    let mut command = Command::new("bash");
    command.args(["-ec", line, "bash", package]).current_dir(&new).stdin(Stdio::null());
    let done = command.output().is_ok_and(|output| output.status.success());
    done && fs::rename(&new, dir).is_ok()
}

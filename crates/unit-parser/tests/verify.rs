//! What `check` says of the corpus of packaged units, and what `systemd-analyze verify` says of them: without `--strict`
//! nothing but what systemd says too. Needs Debian's systemd and the corpus: `QUINTET_CORPUS`, else `../shared/corpus`
//! beside the repository; without them the tests say so and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use unit_parser::UnitType;

#[derive(Deserialize)]
struct Complaint {
    unit: String,
    code: String,
    file: PathBuf,
    line: u32,
    message: String,
}

/// A copy of the corpus as MANIFEST.tsv has it: some ways of copying turn links into files.
struct Corpus(PathBuf);

impl Corpus {
    fn copy(name: &str) -> Option<Corpus> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
        let from = std::env::var_os("QUINTET_CORPUS").map_or(beside, PathBuf::from);
        let Ok(manifest) = fs::read_to_string(from.join("MANIFEST.tsv")) else {
            eprintln!("no corpus at {}: nothing to compare", from.display());
            return None;
        };
        if Command::new("systemd-analyze").arg("--version").output().is_err() {
            eprintln!("no systemd-analyze: nothing to compare with");
            return None;
        }
        let root = std::env::temp_dir().join(format!("corpus-{}-{name}", std::process::id()));
        for line in manifest.lines().skip(1) {
            let mut fields = line.split('\t').skip(3);
            let (Some(path), Some(kind)) = (fields.next(), fields.next()) else { continue };
            let path = path.trim_start_matches('/');
            let target = root.join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            match kind.strip_prefix("-> ").unwrap_or(kind) {
                "file" => drop(fs::copy(from.join(path), &target).unwrap()),
                link => symlink(link, &target).unwrap(),
            }
        }
        Some(Corpus(root))
    }

    fn root(&self) -> String {
        self.0.display().to_string()
    }

    /// The names of all units in these directories.
    fn units(&self, dirs: &[&str]) -> Vec<String> {
        let mut names = BTreeSet::new();
        for dir in dirs {
            for entry in fs::read_dir(self.0.join(dir)).into_iter().flatten().flatten() {
                let name = entry.file_name().into_string().unwrap();
                // Links to what isn't part of the corpus lead nowhere.
                let leads_somewhere = entry.path().exists() || self.is_below(&entry.path());
                let suffix = name.rsplit('.').next().unwrap_or_default();
                let is_unit = UnitType::ALL.iter().any(|unit_type| unit_type.as_str() == suffix);
                if is_unit && leads_somewhere && !entry.path().is_dir() {
                    names.insert(name);
                }
            }
        }
        names.into_iter().collect()
    }

    fn is_below(&self, path: &Path) -> bool {
        let target = fs::read_link(path).unwrap_or_default();
        target == Path::new("/dev/null") || self.0.join(target.strip_prefix("/").unwrap_or(&target)).exists()
    }
}

impl Drop for Corpus {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Everything that systemd says, by unit where it names one.
struct Theirs {
    /// Commands of units that can't be run.
    commands: BTreeSet<(String, String)>,
    /// Units that lack another one.
    missing: BTreeSet<(String, String)>,
    /// Places in files.
    places: BTreeSet<(PathBuf, u32)>,
}

impl Theirs {
    fn read(text: &str) -> Theirs {
        let mut theirs = Theirs { commands: BTreeSet::new(), missing: BTreeSet::new(), places: BTreeSet::new() };
        for line in text.lines() {
            let Some((place, rest)) = line.split_once(": ") else { continue };
            if let Some((command, _)) = rest.strip_prefix("Command ").and_then(|r| r.split_once(" is not executable")) {
                theirs.commands.insert((place.to_owned(), command.to_owned()));
            } else if let Some((unit, _)) = rest.rsplit_once("Unit ").and_then(|(_, r)| r.split_once(" not found")) {
                theirs.missing.insert((place.to_owned(), unit.to_owned()));
            } else if let Some((unit, _)) = rest.strip_prefix("service ").and_then(|r| r.split_once(" not loaded")) {
                theirs.missing.insert((place.to_owned(), unit.to_owned()));
            } else if let Some((file, number)) = place.rsplit_once(':') {
                theirs.places.insert((file.into(), number.parse().unwrap_or(0)));
            }
        }
        theirs
    }

    fn say(&self, complaint: &Complaint) -> bool {
        let of_unit = |word: &str| (complaint.unit.clone(), word.to_owned());
        let word = |end: &str| complaint.message.split_once(": ").and_then(|(_, rest)| rest.split_once(end));
        match complaint.code.as_str() {
            "missing-program" => word(" can't be run").is_some_and(|(path, _)| self.commands.contains(&of_unit(path))),
            "missing-unit" => {
                let name = complaint.message.split_once("no unit ").map_or("", |(_, rest)| rest);
                let name = name.split(' ').next().unwrap_or_default();
                // A template is meant by any of its instances.
                let stem = name.split_once('@').map(|(stem, _)| format!("{stem}@"));
                let same = |unit: &str| stem.as_ref().map_or(unit == name, |stem| unit.starts_with(stem));
                self.missing.iter().any(|(place, unit)| *place == complaint.unit && same(unit))
            }
            _ => self.places.contains(&(complaint.file.clone(), complaint.line)),
        }
    }
}

fn run(program: &str, arguments: &[&str], units: &[String], variables: &[(&str, String)]) -> (String, String) {
    let mut command = Command::new(program);
    command.args(arguments).args(units).env_remove("SYSTEMD_UNIT_PATH").env("LC_ALL", "C");
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let output = command.output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Compares, and expects every unit to be read. Without man pages: which ones are installed is the machine's affair.
fn compare(units: &[String], theirs: &[&str], ours: &[&str], variables: &[(&str, String)]) {
    let (_, said) = run("systemd-analyze", theirs, units, variables);
    let theirs = Theirs::read(&said);
    assert!(!theirs.commands.is_empty(), "systemd says nothing: {said}");
    let (out, err) = run(env!("CARGO_BIN_EXE_unit-parser"), ours, units, variables);
    assert_eq!(err, "", "every unit is found and read");
    let mut alone: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut seen = 0;
    for line in out.lines() {
        let complaint: Complaint = serde_json::from_str(line).unwrap();
        seen += 1;
        if complaint.code != "missing-man-page" && !theirs.say(&complaint) {
            let text = format!("{}:{}: {}", complaint.file.display(), complaint.line, complaint.message);
            alone.entry(complaint.code).or_default().push(text);
        }
    }
    assert!(seen > 0);
    assert!(alone.is_empty(), "systemd says nothing of these:\n{alone:#?}");
}

#[test]
fn system_units() {
    let Some(corpus) = Corpus::copy("system") else { return };
    let dirs = ["etc/systemd/system", "lib/systemd/system", "usr/lib/systemd/system"];
    let units = corpus.units(&dirs);
    assert!(units.len() > 700, "{} units", units.len());
    let root = format!("--root={}", corpus.root());
    compare(&units, &["verify", "--man=no", &root], &[&root, "check", "--json"], &[]);
}

#[test]
fn user_units() {
    let Some(corpus) = Corpus::copy("user") else { return };
    let dirs = ["usr/lib/systemd/user", "lib/systemd/user"];
    let units = corpus.units(&dirs);
    assert!(units.len() > 100, "{} units", units.len());
    let path: Vec<String> = dirs.iter().map(|dir| format!("{}/{dir}", corpus.root())).collect();
    let variables = [("SYSTEMD_UNIT_PATH", path.join(":")), ("XDG_RUNTIME_DIR", corpus.root())];
    compare(&units, &["--user", "verify", "--man=no"], &["--user", "check", "--json"], &variables);
}

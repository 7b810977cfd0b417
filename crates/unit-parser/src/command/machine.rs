//! The machine, or the directory with one in it (`--root=`), that the command looks at.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use unit_parser::load::Rooted;
use unit_parser::references::Lookup;
use unit_parser::{LoadPath, LoadState, Loader, Mode, Unit, UnitName, UnitType, machine};

/// Units and what they refer to.
pub struct Machine {
    /// Reads units.
    pub loader: Loader,
    root: Option<Rooted>,
    prefix: String,
}

impl Machine {
    /// The running machine, or what is below a directory.
    pub fn new(mode: Mode, root: Option<&Path>) -> Machine {
        let root = root.filter(|root| *root != Path::new("/"));
        let prefix = root.map_or_else(String::new, |root| root.to_string_lossy().trim_end_matches('/').to_owned());
        let host = machine::host_below(mode, &prefix);
        let path = LoadPath::from_env(mode);
        let rooted = root.map(Rooted::new);
        let loader = match rooted.clone() {
            Some(files) => Loader::with_files(Box::new(files), path, mode, host),
            None => Loader::new(path, mode, host),
        };
        Machine { loader, root: rooted, prefix }
    }

    /// A unit by name, or by path if there is a slash in it; complains itself.
    pub fn load(&self, argument: &str) -> Option<Unit> {
        let loaded = if is_path(argument) {
            self.loader.load_file(Path::new(argument))
        } else {
            UnitName::mangle(argument).map(|name| self.loader.load(&name))
        };
        match loaded {
            Ok(unit) => Some(unit),
            Err(error) => {
                eprintln!("unit-parser: {argument}: {error}");
                None
            }
        }
    }

    /// The same for checking: of a template an instance, since specifiers have no values in the template itself.
    pub fn load_whole(&self, argument: &str) -> Option<Unit> {
        let unit = self.load(argument)?;
        let Some(instance) = unit.name.is_template().then(|| unit.name.with_instance(INSTANCE).ok()).flatten() else {
            return Some(unit);
        };
        Some(match (is_path(argument), &unit.fragment) {
            (true, Some(file)) => self.loader.load_file_as(instance, file),
            (true, None) => unit,
            (false, _) => self.loader.load(&instance),
        })
    }

    /// A path as it is from outside of the root.
    pub fn shown(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { PathBuf::from(format!("{}{}", self.prefix, path.display())) } else { path.to_owned() }
    }

    fn outside(&self, path: &str) -> PathBuf {
        let path = Path::new(path);
        self.root.as_ref().map_or_else(|| path.to_owned(), |root| root.outside(path))
    }

    fn is_program(&self, path: &str) -> bool {
        std::fs::metadata(self.outside(path)).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    }

    /// Whether a file of accounts has an entry of this name.
    fn has_entry(&self, file: &str, name: &str) -> bool {
        let text = std::fs::read_to_string(self.outside(file)).unwrap_or_default();
        text.lines().any(|line| line.split(':').next() == Some(name))
    }
}

/// The instance of templates that are checked, as with systemd-analyze verify.
const INSTANCE: &str = "i";

fn is_path(argument: &str) -> bool {
    argument.contains('/') && !argument.starts_with("/dev/")
}

/// Where programs that are named without a path are looked for.
const PROGRAMS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where the manual is.
const MANUALS: [&str; 2] = ["/usr/share/man", "/usr/local/share/man"];

impl Lookup for Machine {
    fn unit(&self, name: &UnitName) -> bool {
        let needs_file = !matches!(name.unit_type(), UnitType::Device | UnitType::Slice | UnitType::Scope);
        // Mounts come from /etc/fstab too, and swaps: not looked at when it isn't the running machine.
        if name.is_template() {
            return self.loader.names().contains(name);
        }
        !needs_file || self.loader.load(name).load_state != LoadState::NotFound
    }

    fn program(&self, path: &str) -> bool {
        if path.starts_with('/') {
            return self.is_program(path);
        }
        PROGRAMS.iter().any(|dir| self.is_program(&format!("{dir}/{path}")))
    }

    fn user(&self, name: &str) -> bool {
        match &self.root {
            Some(_) => self.has_entry("/etc/passwd", name),
            None => nix::unistd::User::from_name(name).is_ok_and(|user| user.is_some()),
        }
    }

    fn group(&self, name: &str) -> bool {
        match &self.root {
            Some(_) => self.has_entry("/etc/group", name),
            None => nix::unistd::Group::from_name(name).is_ok_and(|group| group.is_some()),
        }
    }

    fn man_page(&self, name: &str, section: &str) -> Option<bool> {
        let number = section.chars().next()?;
        let mut installed = false;
        for manual in MANUALS {
            let Ok(pages) = std::fs::read_dir(self.outside(&format!("{manual}/man{number}"))) else { continue };
            installed = true;
            let start = format!("{name}.{section}");
            // `ssh.1` or `ssh.1.gz`.
            let is_page =
                |file: &str| file.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            if pages.flatten().any(|page| page.file_name().to_str().is_some_and(is_page)) {
                return Some(true);
            }
        }
        installed.then_some(false)
    }

    fn file(&self, path: &Path) -> bool {
        self.outside(&path.to_string_lossy()).exists()
    }

    fn text(&self, file: &Path) -> Option<String> {
        let bytes = self.loader.read(file).ok()?;
        String::from_utf8(bytes).ok()
    }
}

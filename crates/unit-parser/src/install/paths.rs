//! The directories of unit files by what they are for (systemd.unit(5), "Unit File Load Path"; file-hierarchy(7)).

use std::path::{Path, PathBuf};

use crate::load::{LoadPath, Mode};

/// The load path, and which of its directories mean what, below a root directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPaths {
    /// Empty for `/`.
    pub(super) root: PathBuf,
    /// Whose units.
    pub(super) mode: Mode,
    /// In order of precedence, with the root.
    pub(super) search: Vec<PathBuf>,
    /// Where the administrator's links go.
    pub(super) persistent: PathBuf,
    /// Where `--runtime` links go.
    pub(super) runtime: PathBuf,
    persistent_control: PathBuf,
    runtime_control: PathBuf,
    transient: PathBuf,
    generators: [PathBuf; 3],
    /// In order of precedence.
    pub(super) presets: Vec<PathBuf>,
}

impl InstallPaths {
    /// The directories of a manager: `load` as it searches them (without root), `variable` looks up environment variables
    /// (`XDG_CONFIG_HOME`, `XDG_RUNTIME_DIR`, `HOME`). `root` is `None` or `/` for the running system.
    pub fn new(
        mode: Mode,
        load: &LoadPath,
        root: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> InstallPaths {
        let root = root.filter(|root| *root != Path::new("/")).map(Path::to_owned).unwrap_or_default();
        let below = |path: &Path| match path.strip_prefix("/") {
            Ok(relative) if !root.as_os_str().is_empty() => root.join(relative),
            Ok(_) | Err(_) => path.to_owned(),
        };
        let set = |name: &str| variable(name).filter(|value| value.starts_with('/')).map(PathBuf::from);
        let (config, volatile, unit_dir, preset_dirs): (PathBuf, PathBuf, &str, &[&str]) = match mode {
            Mode::System => {
                let presets: &[&str] = &[
                    "/etc/systemd/system-preset",
                    "/run/systemd/system-preset",
                    "/usr/local/lib/systemd/system-preset",
                    "/usr/lib/systemd/system-preset",
                    "/lib/systemd/system-preset",
                ];
                ("/etc/systemd".into(), "/run/systemd".into(), "system", presets)
            }
            Mode::User => {
                let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
                let presets: &[&str] = &[
                    "/etc/systemd/user-preset",
                    "/run/systemd/user-preset",
                    "/usr/local/lib/systemd/user-preset",
                    "/usr/lib/systemd/user-preset",
                ];
                let config = config.unwrap_or_else(|| "/nonexistent".into()).join("systemd");
                (
                    config,
                    set("XDG_RUNTIME_DIR").unwrap_or_else(|| "/nonexistent".into()).join("systemd"),
                    "user",
                    presets,
                )
            }
        };
        let (config, volatile) = (below(&config), below(&volatile));
        let mut presets: Vec<PathBuf> = preset_dirs.iter().map(|dir| below(Path::new(dir))).collect();
        if mode == Mode::User {
            presets.insert(0, config.join("user-preset"));
        }
        InstallPaths {
            search: load.dirs.iter().map(|dir| below(dir)).collect(),
            persistent: config.join(unit_dir),
            runtime: volatile.join(unit_dir),
            persistent_control: config.join(format!("{unit_dir}.control")),
            runtime_control: volatile.join(format!("{unit_dir}.control")),
            transient: volatile.join("transient"),
            generators: ["generator", "generator.early", "generator.late"].map(|name| volatile.join(name)),
            presets,
            mode,
            root,
        }
    }

    /// The directory that a verb changes.
    pub(super) fn config(&self, runtime: bool) -> &Path {
        if runtime { &self.runtime } else { &self.persistent }
    }

    /// The directory of `systemctl set-property`, until the next boot or for good.
    pub fn control(&self, runtime: bool) -> &Path {
        if runtime { &self.runtime_control } else { &self.persistent_control }
    }

    /// A path as it is inside the root.
    pub(super) fn inside<'a>(&self, path: &'a Path) -> std::borrow::Cow<'a, Path> {
        match path.strip_prefix(&self.root) {
            Ok(relative) if !self.root.as_os_str().is_empty() => Path::new("/").join(relative).into(),
            Ok(_) | Err(_) => path.into(),
        }
    }

    /// A path inside the root as it is outside.
    pub(super) fn outside(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("/") {
            Ok(relative) if !self.root.as_os_str().is_empty() => self.root.join(relative),
            Ok(_) | Err(_) => path.to_owned(),
        }
    }

    /// Whether a file lies directly in a directory of the load path.
    pub(super) fn in_search_path(&self, file: &Path) -> bool {
        file.parent().is_some_and(|parent| self.search.iter().any(|dir| dir == parent))
    }

    /// Whether a file lies directly where the administrator's files are.
    pub(super) fn is_config(&self, file: &Path) -> bool {
        file.parent().is_some_and(|dir| dir == self.persistent || dir == self.runtime)
    }

    /// Whether a directory belongs to `systemctl set-property`.
    pub(super) fn is_control_dir(&self, dir: &Path) -> bool {
        dir == self.persistent_control || dir == self.runtime_control
    }

    /// Whether a directory is one for the administrator's files.
    pub(super) fn is_config_dir(&self, dir: &Path) -> bool {
        dir == self.persistent || dir == self.runtime
    }

    /// Whether a directory is gone after a boot.
    pub(super) fn is_runtime_dir(&self, dir: &Path) -> bool {
        let in_run = self.mode == Mode::System && self.inside(dir).starts_with("/run");
        in_run
            || dir == self.runtime
            || dir == self.transient
            || dir == self.runtime_control
            || self.is_generator_dir(dir)
    }

    /// Whether a file is gone after a boot.
    pub(super) fn is_runtime(&self, file: &Path) -> bool {
        file.parent().is_some_and(|dir| self.is_runtime_dir(dir))
    }

    fn is_generator_dir(&self, dir: &Path) -> bool {
        self.generators.iter().any(|generator| generator == dir)
    }

    /// Whether a generator made the file.
    pub(super) fn is_generated(&self, file: &Path) -> bool {
        file.parent().is_some_and(|dir| self.is_generator_dir(dir))
    }

    /// Whether the file belongs to a transient unit.
    pub(super) fn is_transient(&self, file: &Path) -> bool {
        file.parent().is_some_and(|dir| dir == self.transient)
    }

    /// Whether the file came with a package or from a generator.
    pub(super) fn is_vendor(&self, file: &Path) -> bool {
        let inside = self.inside(file);
        inside.starts_with("/usr") || inside.starts_with("/lib") || self.is_generated(file)
    }
}

/// Paths go over the bus as text.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

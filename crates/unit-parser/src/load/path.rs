//! Where unit files are looked for (systemd.unit(5), "Unit File Load Path").

use std::path::PathBuf;

use super::Mode;

/// The directories, the first one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPath {
    /// The directories in order of precedence.
    pub dirs: Vec<PathBuf>,
}

impl LoadPath {
    /// The system manager's.
    pub fn system() -> LoadPath {
        let dirs = [
            "/etc/systemd/system.control",
            "/run/systemd/system.control",
            "/run/systemd/transient",
            "/run/systemd/generator.early",
            "/etc/systemd/system",
            "/etc/systemd/system.attached",
            "/run/systemd/system",
            "/run/systemd/system.attached",
            "/run/systemd/generator",
            "/usr/local/lib/systemd/system",
            "/lib/systemd/system",
            "/usr/lib/systemd/system",
            "/run/systemd/generator.late",
        ];
        LoadPath { dirs: dirs.map(PathBuf::from).to_vec() }
    }

    /// A user manager's, from its environment variables (`variable` looks one up).
    pub fn user(variable: &dyn Fn(&str) -> Option<String>) -> LoadPath {
        let given = |name: &str| variable(name).filter(|value| value.starts_with('/'));
        let home = given("HOME");
        let below_home = |tail: &str| home.as_ref().map(|home| format!("{home}/{tail}"));
        let config = given("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
        let data = given("XDG_DATA_HOME").or_else(|| below_home(".local/share"));
        let runtime = given("XDG_RUNTIME_DIR");
        let several = |name: &str, usual: &str| {
            let list = variable(name).filter(|v| !v.is_empty()).unwrap_or_else(|| usual.to_owned());
            list.split(':').filter(|d| d.starts_with('/')).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut dirs = Vec::new();
        let mut add = |base: Option<&String>, tail: &str| {
            let dir = base.map(|base| PathBuf::from(format!("{base}/systemd/{tail}")));
            if let Some(dir) = dir.filter(|d| !dirs.contains(d)) {
                dirs.push(dir);
            }
        };
        add(config.as_ref(), "user.control");
        add(runtime.as_ref(), "user.control");
        add(runtime.as_ref(), "transient");
        add(runtime.as_ref(), "generator.early");
        add(config.as_ref(), "user");
        for dir in several("XDG_CONFIG_DIRS", "/etc/xdg") {
            add(Some(&dir), "user");
        }
        add(Some(&"/etc".to_owned()), "user");
        add(runtime.as_ref(), "user");
        add(Some(&"/run".to_owned()), "user");
        add(runtime.as_ref(), "generator");
        add(data.as_ref(), "user");
        for dir in several("XDG_DATA_DIRS", "/usr/local/share:/usr/share") {
            add(Some(&dir), "user");
        }
        for dir in ["/usr/local/lib", "/usr/local/share", "/usr/lib", "/usr/share"] {
            add(Some(&dir.to_owned()), "user");
        }
        add(runtime.as_ref(), "generator.late");
        LoadPath { dirs }
    }

    /// A manager's: `SYSTEMD_UNIT_PATH` if set (a trailing colon adds the usual directories), else the usual ones.
    pub fn from_variables(mode: Mode, variable: &dyn Fn(&str) -> Option<String>) -> LoadPath {
        let usual = match mode {
            Mode::System => LoadPath::system(),
            Mode::User => LoadPath::user(variable),
        };
        let Some(given) = variable("SYSTEMD_UNIT_PATH") else {
            return usual;
        };
        let mut dirs: Vec<PathBuf> = given.split(':').filter(|d| !d.is_empty()).map(PathBuf::from).collect();
        if given.is_empty() || given.ends_with(':') {
            dirs.extend(usual.dirs);
        }
        LoadPath { dirs }
    }

    /// Like [`LoadPath::from_variables`] with this process's environment.
    pub fn from_env(mode: Mode) -> LoadPath {
        LoadPath::from_variables(mode, &|name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(set: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        LoadPath::user(&variable).dirs.iter().map(|d| d.display().to_string()).collect()
    }

    #[test]
    fn usual_user_directories() {
        // As `systemd-analyze unit-paths --user` prints them.
        let expected = "/root/.config/systemd/user.control /run/user/0/systemd/user.control \
            /run/user/0/systemd/transient /run/user/0/systemd/generator.early /root/.config/systemd/user \
            /etc/xdg/systemd/user /etc/systemd/user /run/user/0/systemd/user /run/systemd/user \
            /run/user/0/systemd/generator /root/.local/share/systemd/user /usr/local/share/systemd/user \
            /usr/share/systemd/user /usr/local/lib/systemd/user /usr/lib/systemd/user \
            /run/user/0/systemd/generator.late";
        let dirs = user(&[("HOME", "/root"), ("XDG_RUNTIME_DIR", "/run/user/0")]);
        assert_eq!(dirs, expected.split_ascii_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn unit_path_variable() {
        let variable = |value: &'static str| move |name: &str| (name == "SYSTEMD_UNIT_PATH").then(|| value.to_owned());
        let only = LoadPath::from_variables(Mode::System, &variable("/a:/b"));
        assert_eq!(only.dirs, [PathBuf::from("/a"), PathBuf::from("/b")]);
        let more = LoadPath::from_variables(Mode::System, &variable("/a:"));
        assert_eq!(more.dirs.len(), LoadPath::system().dirs.len() + 1);
        let usual = LoadPath::from_variables(Mode::System, &|_| None);
        assert_eq!(usual, LoadPath::system());
    }
}

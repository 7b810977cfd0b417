//! Loading from a map of files: which file wins, what is refused.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Entry, FileKind, LoadPath, Loader, Mode, Mounted, UnitFiles};
use crate::dependencies::Source;
use crate::name::UnitName;
use crate::specifier::Host;
use crate::table::rows;
use crate::unit::Unit;

/// Paths with their contents; a content that starts with `->` is a link.
struct Map(BTreeMap<PathBuf, String>);

impl Map {
    fn follow(&self, path: &Path) -> Option<(PathBuf, &str)> {
        let mut path = path.to_owned();
        for _ in 0..8 {
            let content = self.0.get(&path)?;
            match content.strip_prefix("->") {
                Some(target) if target.starts_with('/') => path = target.into(),
                Some(target) => path = path.parent()?.join(target),
                None => return Some((path, content)),
            }
        }
        None
    }
}

impl UnitFiles for Map {
    fn entries(&self, directory: &Path) -> Vec<Entry> {
        let mut found: BTreeMap<String, FileKind> = BTreeMap::new();
        for (path, content) in &self.0 {
            let Ok(rest) = path.strip_prefix(directory) else { continue };
            let mut parts = rest.components();
            let Some(name) = parts.next().and_then(|c| c.as_os_str().to_str()) else { continue };
            let kind = match (parts.next(), content.strip_prefix("->")) {
                (Some(_), _) => FileKind::Directory,
                (None, Some(target)) => FileKind::Link(target.into()),
                (None, None) => FileKind::File,
            };
            found.insert(name.to_owned(), kind);
        }
        found.into_iter().map(|(name, kind)| Entry { name, kind }).collect()
    }

    fn read(&self, file: &Path) -> io::Result<(Vec<u8>, u64)> {
        if self.is_null(file) {
            return Ok((Vec::new(), 1));
        }
        let (_, content) = self.follow(file).ok_or(io::ErrorKind::NotFound)?;
        Ok((content.as_bytes().to_vec(), 1))
    }

    fn modified(&self, _file: &Path) -> io::Result<u64> {
        Ok(1)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn is_null(&self, path: &Path) -> bool {
        let content = self.0.get(path).map(String::as_str);
        content == Some("->/dev/null") || self.follow(path).is_some_and(|(_, text)| text.is_empty())
    }
}

fn loader(files: &[(&str, &str)]) -> Loader {
    let map = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    let path = LoadPath { dirs: vec!["/etc".into(), "/run".into(), "/lib".into()] };
    Loader::with_files(Box::new(Map(map)), path, Mode::System, Host::default())
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).unwrap()
}

fn load(files: &[(&str, &str)], unit: &str) -> Unit {
    loader(files).load(&name(unit))
}

const SERVICE: &str = "[Service]\nExecStart=/bin/true\n";

#[test]
fn load_states() {
    let table: &[(&str, &str, &str)] = &[
        ("good.service", SERVICE, "loaded"),
        ("empty.service", "", "masked"),
        ("masked.service", "->/dev/null", "masked"),
        ("onlyunit.service", "[Unit]\nDescription=x\n", "bad-setting"),
        ("badsec.service", "[Unit]\nDescription=x\n[Service\nExecStart=/bin/true\n", "error"),
        ("noeq.service", "[Unit]\nDescription\n[Service]\nExecStart=/bin/true\n", "loaded"),
        ("quote.service", "[Service]\nExecStart=/bin/true \"\n", "bad-setting"),
        ("tolerated.service", "[Service]\nExecStart=/bin/true\nExecStartPre=-/bin/x \"\n", "loaded"),
        ("user.service", "[Service]\nExecStart=/bin/true\nUser=a:b\n", "bad-setting"),
        ("two.service", "[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n", "bad-setting"),
        ("twoshot.service", "[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n", "loaded"),
        ("always.service", "[Service]\nType=oneshot\nExecStart=/bin/a\nRestart=always\n", "bad-setting"),
        ("dbus.service", "[Service]\nType=dbus\nExecStart=/bin/a\n", "bad-setting"),
        ("stop.service", "[Service]\nRemainAfterExit=yes\nExecStop=/bin/a\n", "loaded"),
        ("stoponly.service", "[Service]\nExecStop=/bin/a\n", "bad-setting"),
        ("action.service", "[Unit]\nSuccessAction=exit\n", "loaded"),
        ("nothing.socket", "[Socket]\n", "bad-setting"),
        ("accept.socket", "[Socket]\nListenStream=1\nAccept=yes\n", "loaded"),
        ("accept2.socket", "[Socket]\nListenDatagram=1\nAccept=yes\n", "bad-setting"),
        ("accept3.socket", "[Socket]\nListenStream=1\nAccept=yes\nService=x.service\n", "bad-setting"),
        ("links.socket", "[Socket]\nListenStream=1\nSymlinks=/run/x\n", "bad-setting"),
        ("links2.socket", "[Socket]\nListenFIFO=/run/f\nListenSpecial=/dev/x\nSymlinks=/run/x\n", "loaded"),
        ("links3.socket", "[Socket]\nListenSpecial=/dev/x\nSymlinks=/run/x\n", "bad-setting"),
        ("t.timer", "[Timer]\n", "bad-setting"),
        ("c.timer", "[Timer]\nOnClockChange=yes\n", "loaded"),
        ("p.path", "[Path]\n", "bad-setting"),
        ("mnt.mount", "[Mount]\nWhat=/dev/x\nWhere=/mnt\n", "loaded"),
        ("mnt2.mount", "[Mount]\nWhat=/dev/x\nWhere=/mnt\n", "bad-setting"),
        ("mnt3.mount", "[Mount]\n", "bad-setting"),
    ];
    for (unit, text, state) in table {
        let file = format!("/lib/{unit}");
        assert_eq!(load(&[(&file, text)], unit).load_state.as_str(), *state, "{unit}");
    }
    assert_eq!(load(&[], "nope.service").load_state.as_str(), "not-found");
    assert_eq!(load(&[], "a-b.slice").load_state.as_str(), "loaded");
    assert_eq!(load(&[], "dev-x.device").load_state.as_str(), "loaded");
}

#[test]
fn load_errors() {
    let unit = load(&[], "nope.service");
    let (error, text) = unit.load_error.unwrap();
    assert_eq!(error, "org.freedesktop.systemd1.NoSuchUnit");
    assert_eq!(text, "Unit nope.service not found.");
}

#[test]
fn precedence_aliases_templates() {
    let files = [
        ("/lib/a.service", SERVICE),
        ("/etc/a.service", "[Unit]\nDescription=etc\n[Service]\nExecStart=/bin/true\n"),
        ("/lib/b.service", "->a.service"),
        ("/etc/c.service", "->/lib/b.service"),
        ("/etc/linked.service", "->/opt/other.service"),
        ("/opt/other.service", SERVICE),
        ("/lib/t@.service", SERVICE),
        ("/lib/u@.service", "->t@.service"),
        ("/etc/v@x.service", "->/lib/t@.service"),
        ("/etc/bad.socket", "->/lib/a.service"),
        ("/etc/itself.service", "->itself.service"),
        ("/lib/itself.service", SERVICE),
        ("/etc/around.service", "->roundabout.service"),
        ("/etc/roundabout.service", "->around.service"),
    ];
    let loader = loader(&files);
    let table: &[(&str, &str, &str, &str)] = &[
        ("a.service", "a.service", "b.service c.service", "/etc/a.service"),
        ("c.service", "a.service", "b.service c.service", "/etc/a.service"),
        ("linked.service", "linked.service", "", "/etc/linked.service"),
        ("t@i.service", "t@i.service", "u@i.service", "/lib/t@.service"),
        ("u@i.service", "t@i.service", "u@i.service", "/lib/t@.service"),
        ("v@x.service", "t@x.service", "u@x.service v@x.service", "/lib/t@.service"),
        ("itself.service", "itself.service", "", "/lib/itself.service"),
    ];
    for (asked, primary, aliases, fragment) in table {
        let unit = loader.load(&name(asked));
        assert_eq!(unit.name.as_str(), *primary, "{asked}");
        let names: Vec<&str> = unit.aliases.iter().map(UnitName::as_str).collect();
        assert_eq!(names.join(" "), *aliases, "{asked}");
        assert_eq!(unit.fragment, Some(PathBuf::from(fragment)), "{asked}");
    }
    for nowhere in ["bad.socket", "around.service"] {
        assert_eq!(loader.load(&name(nowhere)).load_state.as_str(), "not-found");
    }
}

#[test]
fn mounted_file_systems_need_no_file() {
    let loader = loader(&[("/etc/srv.mount.d/a.conf", "[Unit]\nDescription=Data\n")]);
    let mounted = Mounted {
        what: "/dev/sda1".into(),
        place: "/srv".into(),
        file_system: "ext4".into(),
        options: "rw,relatime".into(),
    };
    let unit = loader.load_mounted(&name("srv.mount"), &mounted);
    assert_eq!(unit.load_state.as_str(), "loaded");
    assert_eq!(unit.str(rows::unit::DESCRIPTION), "Data");
    assert_eq!(unit.list(rows::unit::REQUIRES_MOUNTS_FOR), ["/"]);
    let edges: Vec<String> =
        unit.dependencies().iter().map(|edge| format!("{} {}", edge.kind.as_str(), edge.other)).collect();
    for edge in ["Requires dev-sda1.device", "Before local-fs.target", "Conflicts umount.target"] {
        assert!(edges.iter().any(|known| known == edge), "{edge}: {edges:?}");
    }
    let root = loader.load_mounted(&name("-.mount"), &Mounted { place: "/".into(), ..mounted });
    let edges: Vec<String> = root.dependencies().iter().map(|edge| edge.other.to_string()).collect();
    assert!(edges.iter().all(|other| other == "-.slice"), "{edges:?}");
}

#[test]
fn drop_ins() {
    let files = [
        ("/lib/a-b.service", "[Unit]\nDescription=unit\n[Service]\nExecStart=/bin/true\n"),
        ("/lib/a-b.service.d/10.conf", "[Unit]\nDescription=10\n"),
        ("/lib/a-.service.d/20.conf", "[Unit]\nDocumentation=man:a(1)\n"),
        ("/lib/service.d/20.conf", "[Unit]\nDescription=less specific\n"),
        ("/lib/service.d/30.conf", "[Unit]\nDocumentation=man:type(1)\n"),
        ("/lib/a-b.service.d/40.conf", "[Unit]\nDescription=masked below\n"),
        ("/etc/a-b.service.d/40.conf", ""),
        ("/etc/a-b.service.d/.hidden.conf", "[Unit]\nDescription=hidden\n"),
        ("/etc/a-b.service.d/x.txt", "[Unit]\nDescription=other\n"),
    ];
    let unit = load(&files, "a-b.service");
    assert_eq!(unit.str(rows::unit::DESCRIPTION), "10");
    assert_eq!(unit.list(rows::unit::DOCUMENTATION), ["man:a(1)", "man:type(1)"]);
    let dropins: Vec<String> = unit.dropins.iter().map(|p| p.display().to_string()).collect();
    let expected = [
        "/lib/a-b.service.d/10.conf",
        "/lib/a-.service.d/20.conf",
        "/lib/service.d/30.conf",
        "/etc/a-b.service.d/40.conf",
    ];
    assert_eq!(dropins, expected);
}

#[test]
fn dependency_directories() {
    let files = [
        ("/lib/t@.service", SERVICE),
        ("/lib/b.service", SERVICE),
        ("/lib/c@.service", SERVICE),
        ("/lib/t@.service.wants/b.service", "->../b.service"),
        ("/lib/t@.service.wants/c@.service", "->../c@.service"),
        ("/lib/t@one.service.requires/d.service", "->../d.service"),
        ("/lib/t@.service.wants/gone.service", "->../gone.service"),
        ("/etc/t@.service.wants/gone.service", "->/dev/null"),
        ("/lib/t@.service.wants/not-a-unit", "->../b.service"),
        ("/lib/t@.service.wants/file.service", SERVICE),
    ];
    let unit = load(&files, "t@one.service");
    let links: Vec<String> = unit.links.iter().map(|l| format!("{} {}", l.kind.as_str(), l.name)).collect();
    assert_eq!(links, ["Wants b.service", "Wants c@one.service", "Requires d.service"]);
    let edges = unit.dependencies();
    assert!(edges.iter().any(|e| e.source.place(&unit).is_some_and(|(p, _)| p.ends_with("b.service"))));
}

#[test]
fn a_bad_line_never_loses_the_rest() {
    let text = "[Unit]\nDescripton=typo\nDescription=good\nRestrt=no\nUser=x\n[Service]\nRestart=allways\n\
        ExecStart=/bin/true\nNoSuch=1\nTimeoutSec=soon\n";
    let unit = load(&[("/lib/a.service", text)], "a.service");
    assert_eq!(unit.load_state.as_str(), "loaded");
    assert_eq!(unit.str(rows::unit::DESCRIPTION), "good");
    let seen: Vec<String> = unit.diagnostics.iter().map(ToString::to_string).collect();
    let expected = [
        "/lib/a.service:2:1: unknown key Descripton= in [Unit] (did you mean Description=?)",
        "/lib/a.service:4:1: unknown key Restrt= in [Unit] (did you mean Restart= in [Service]?)",
        "/lib/a.service:5:1: unknown key User= in [Unit] (User= belongs in [Service])",
        "/lib/a.service:7:9: Restart=: expected one of no, always, on-success, on-failure, on-abnormal, on-abort, on-watchdog, found \"allways\" (did you mean always?)",
        "/lib/a.service:9:1: unknown key NoSuch= in [Service]",
        "/lib/a.service:10:12: TimeoutSec=: expected a time span like 5min 20s, found \"soon\"",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn dependencies_that_mean_nothing() {
    let text =
        "[Unit]\nBefore=b.service x.device\nAfter=y.device\nOnFailure=f.service\n[Service]\nExecStart=/bin/true\n";
    let edges = |unit: &Unit| -> Vec<String> {
        let explicit = unit.dependencies().into_iter().filter(|edge| matches!(edge.source, Source::File(_)));
        explicit.map(|edge| format!("{} {}", edge.kind.as_str(), edge.other)).collect()
    };
    let unit = load(&[("/lib/a.service", text)], "a.service");
    assert_eq!(edges(&unit), ["Before b.service", "After y.device", "OnFailure f.service"]);
    let seen: Vec<String> = unit.diagnostics.iter().map(ToString::to_string).collect();
    let expected =
        ["/lib/a.service:2:8: Before=: x.device is ignored: devices come when they come, nothing delays them"];
    assert_eq!(seen, expected);
    for (name, kept) in [("a.device", &[][..]), ("a.slice", &[]), ("a.target", &["OnFailure f.service"])] {
        let unit = load(&[(&format!("/lib/{name}"), "[Unit]\nOnFailure=f.service\n")], name);
        assert_eq!(edges(&unit), kept, "{name}");
        assert_eq!(unit.diagnostics.is_empty(), !kept.is_empty(), "{name}");
    }
}

#[test]
fn implied_values() {
    use rows::service as s;
    let unit =
        load(&[("/lib/a.service", "[Service]\nType=oneshot\nTimeoutStopSec=7\nExecStart=/bin/a\n")], "a.service");
    assert_eq!(unit.usec(s::TIMEOUT_START_SEC), u64::MAX);
    assert_eq!(unit.usec(s::TIMEOUT_ABORT_SEC), 7_000_000);
    assert!(!unit.is_set(s::TIMEOUT_START_SEC));
    let unit = load(&[("/lib/a@.service", "[Service]\nBusName=a.b\nExecStart=/bin/a\n")], "a@x-y.service");
    assert_eq!(unit.word(s::TYPE), "dbus");
    assert_eq!(unit.units(rows::cgroup::SLICE), [name("system-a.slice")]);
    let unit = load(&[("/lib/a.socket", "[Socket]\nListenStream=1\n")], "a.socket");
    assert_eq!(unit.units(rows::socket::SERVICE), [name("a.service")]);
    assert_eq!(unit.str(rows::socket::FILE_DESCRIPTOR_NAME), "a.socket");
}

#[test]
fn text_for_standard_input_is_read_unless_the_file_says_otherwise() {
    let loader = Loader::new(LoadPath { dirs: Vec::new() }, Mode::System, Host::default());
    for (lines, expected) in [
        ("StandardInputText=a", "data"),
        ("StandardInputData=YQ==", "data"),
        ("StandardInputText=a\nStandardInput=tty", "tty"),
        ("StandardInputText=a\nStandardInputText=", "null"),
    ] {
        let text = format!("[Service]\nExecStart=/bin/cat\n{lines}\n");
        let unit = loader.load_text(&UnitName::parse("x.service").unwrap(), &text, None);
        assert_eq!(unit.word(rows::exec::STANDARD_INPUT), expected, "{lines}");
    }
}

#[test]
fn a_user_manager_only_exits() {
    let text = "[Unit]\nFailureAction=reboot\nStartLimitAction=poweroff-force\nSuccessAction=exit\n\
                JobTimeoutAction=none\n[Service]\nExecStart=/bin/true\n";
    for (mode, failure, start_limit, told) in
        [(Mode::User, "exit-force", "exit-force", &[2, 3][..]), (Mode::System, "reboot", "poweroff-force", &[])]
    {
        let loader = Loader::new(LoadPath { dirs: Vec::new() }, mode, Host::default());
        let unit = loader.load_text(&name("x.service"), text, Some("/x.service".into()));
        let word = |id| unit.word(id).to_owned();
        assert_eq!(
            (&*word(rows::unit::FAILURE_ACTION), &*word(rows::unit::START_LIMIT_ACTION)),
            (failure, start_limit)
        );
        assert_eq!((&*word(rows::unit::SUCCESS_ACTION), &*word(rows::unit::JOB_TIMEOUT_ACTION)), ("exit", "none"));
        let lines: Vec<u32> = unit.diagnostics.iter().filter(|d| d.code == "not-for-users").map(|d| d.line).collect();
        assert_eq!(lines, told);
    }
}

#[test]
fn a_restart_overlaps_only_where_the_service_is_its_main_process() {
    for (lines, overlaps) in [
        ("ExecStart=/bin/a\nX-RestartOverlap=yes", true),
        ("Type=notify\nExecStart=/bin/a\nX-RestartOverlap=yes", true),
        ("Type=forking\nExecStart=/bin/a\nX-RestartOverlap=yes", false),
        ("Type=oneshot\nX-RestartOverlap=yes\nExecStart=/bin/a", false),
        ("BusName=a.b\nExecStart=/bin/a\nX-RestartOverlap=yes", false),
        ("Type=exec\nExitType=cgroup\nExecStart=/bin/a\nX-RestartOverlap=yes", false),
        ("Type=forking\nExecStart=/bin/a\nX-RestartOverlap=no", false),
    ] {
        let unit = load(&[("/lib/a.service", &format!("[Service]\n{lines}\n"))], "a.service");
        assert_eq!(unit.bool(rows::service::X_RESTART_OVERLAP), overlaps, "{lines}");
        let told: Vec<_> = unit.diagnostics.iter().map(|it| (it.line, it.code.as_str(), it.message.as_str())).collect();
        match told.as_slice() {
            [] => assert!(overlaps || lines.ends_with("no"), "{lines}"),
            [(line, code, message)] => {
                assert!(
                    !overlaps && *code == "no-effect" && message.contains("X-RestartOverlap="),
                    "{lines}: {told:?}"
                );
                let of_key = lines.lines().position(|it| it.starts_with("X-")).unwrap_or_default();
                assert_eq!(*line as usize, of_key + 2, "{lines}");
            }
            _ => panic!("{lines}: {told:?}"),
        }
    }
}

#[test]
fn instances_stand_for_instances_only() {
    let loader = loader(&[
        ("/lib/plain.service", "[Service]\nExecStart=/bin/true"),
        ("/lib/t@.service", "[Service]\nExecStart=/bin/true"),
        ("/etc/other.service", "->/lib/plain.service"),
        ("/etc/x@y.service", "->/lib/plain.service"),
        ("/etc/single.service", "->/lib/t@one.service"),
        ("/etc/u@one.service", "->/lib/t@one.service"),
        ("/etc/u@two.service", "->/lib/t@one.service"),
    ]);
    for (asked, found) in [
        ("other.service", Some("plain.service")),
        ("x@y.service", None),
        ("single.service", None),
        ("u@one.service", Some("t@one.service")),
        ("u@two.service", None),
    ] {
        let unit = loader.load(&name(asked));
        let state = unit.load_state.as_str();
        let expected = if found.is_some() { "loaded" } else { "not-found" };
        assert_eq!((unit.name.as_str(), state), (found.unwrap_or(asked), expected), "{asked}");
    }
    assert_eq!(loader.load(&name("plain.service")).aliases, [name("other.service")]);
}

#[test]
fn what_came_before_a_bad_setting_is_kept() {
    let text = "[Service]\nType=notify\nExecStart=bin/true\nUser=daemon\nNonsense=1\n";
    let unit = loader(&[("/lib/a.service", text)]).load(&name("a.service"));
    assert_eq!((unit.load_state.as_str(), unit.word(rows::service::TYPE)), ("bad-setting", "notify"));
    assert!(!unit.is_set(rows::exec::USER) && !unit.complete);
    // The rest is checked all the same.
    assert!(unit.diagnostics.iter().any(|found| found.code == "unknown-key"), "{:?}", unit.diagnostics);
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let dir = std::env::temp_dir().join(format!("quintet-load-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let fifo = dir.join("fifo.service");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::os::unix::fs::symlink(&fifo, dir.join("link.service")).unwrap();
    let outside = std::env::temp_dir().join(format!("quintet-load-outside-{}", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&outside).status().unwrap().success());
    std::os::unix::fs::symlink(&outside, dir.join("far.service")).unwrap();
    let loader = Loader::new(LoadPath { dirs: vec![dir.clone()] }, Mode::System, Host::default());
    for (asked, state) in [("fifo.service", "not-found"), ("link.service", "not-found"), ("far.service", "error")] {
        assert_eq!(loader.load(&name(asked)).load_state.as_str(), state, "{asked}");
    }
    std::fs::remove_file(outside).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn settings_of_sockets() {
    use rows::socket as s;
    let socket =
        |lines: &str| load(&[("/lib/a.socket", &format!("[Socket]\nListenStream=/run//a\n{lines}"))], "a.socket");
    // A bad link ends its line.
    let unit = socket("Symlinks=/l1 relative /l2\nSymlinks=/l3\n");
    assert_eq!(unit.list(s::SYMLINKS), ["/l1", "/l3"]);
    assert_eq!(unit.listen()[0].text, "/run//a");
    assert_eq!(unit.list(rows::unit::REQUIRES_MOUNTS_FOR), ["/run/a"]);
    for (written, shown) in [("usec", "us"), ("nsec", "ns"), ("µs", "us"), ("yes", "ns"), ("no", "off"), ("x", "off")]
    {
        assert_eq!(socket(&format!("Timestamping={written}\n")).str(s::TIMESTAMPING), shown, "{written}");
    }
    // A template's name is no service.
    assert!(socket("Service=t@.service\n").units(s::SERVICE).iter().all(|name| name.as_str() == "a.service"));
    assert_eq!(socket("Service=%p-b.service\n").units(s::SERVICE), [name("a-b.service")]);
    assert_eq!(socket("ReceiveBuffer=infinity\n").uint(s::RECEIVE_BUFFER), 0);
    assert_eq!(socket("BindToDevice=%p\n").str(s::BIND_TO_DEVICE), "");
}

#[test]
fn a_scheduling_policy_fits_the_priority_that_there_is() {
    for (lines, priority) in [
        ("CPUSchedulingPolicy=fifo", 1),
        ("CPUSchedulingPolicy=batch", 0),
        ("CPUSchedulingPriority=7\nCPUSchedulingPolicy=rr", 7),
        ("CPUSchedulingPriority=7\nCPUSchedulingPolicy=batch", 0),
        ("CPUSchedulingPolicy=batch\nCPUSchedulingPriority=7", 7),
        ("CPUSchedulingPolicy=fifo\nCPUSchedulingPriority=500", 1),
        ("CPUSchedulingPolicy=fifo\nCPUSchedulingPolicy=other", 0),
    ] {
        let text = format!("[Service]\nExecStart=/bin/true\n{lines}\n");
        let unit = load(&[("/lib/a.service", &text)], "a.service");
        assert_eq!(unit.int(rows::exec::CPU_SCHEDULING_PRIORITY), priority, "{lines}");
    }
}

#[test]
fn a_colon_in_front_of_a_directory_separates_nothing() {
    let text = "[Service]\nExecStart=/bin/true\nStateDirectory=:a x:y :b:c\nConfigurationDirectory=:d\n";
    let unit = load(&[("/lib/a.service", text)], "a.service");
    assert_eq!(unit.list(rows::exec::STATE_DIRECTORY), ["a", "b:c", "x:y"]);
    assert!(unit.list(rows::exec::CONFIGURATION_DIRECTORY).is_empty());
}

#[test]
fn specifiers_in_names_of_credentials_and_not_in_their_content() {
    let text = "[Service]\nExecStart=/bin/true\nSetCredential=a%p:50%% %n\nSetCredential=b:\nSetCredential=%I:x\n";
    let unit = load(&[("/lib/a@.service", text)], "a@x-y.service");
    assert_eq!(unit.pairs(rows::exec::SET_CREDENTIAL), [("aa".to_owned(), "50%% %n".to_owned())]);
}

/// What can't be accepted has its service, whatever `Accept=` says: such a unit is refused, and shows it still.
#[test]
fn sockets_of_one_service() {
    for (text, one) in [
        ("ListenStream=1\n", true),
        ("ListenStream=1\nAccept=yes\n", false),
        ("ListenStream=1\nListenNetlink=route\nAccept=yes\n", true),
        ("ListenDatagram=1\nAccept=yes\n", true),
    ] {
        let text = format!("[Socket]\n{text}");
        let unit = load(&[("/lib/a.socket", &text)], "a.socket");
        assert_eq!(unit.has_one_service(), one, "{text}");
        let service = unit.units(rows::socket::SERVICE).first().map(ToString::to_string);
        assert_eq!(service.as_deref(), one.then_some("a.service"), "{text}");
    }
}

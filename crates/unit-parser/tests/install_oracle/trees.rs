//! Generated trees of unit files and sequences of verbs; the same for the same seed. Without `UpheldBy=`, which Debian's
//! systemd doesn't know yet.

/// SplitMix64: the sequences must not change with a library's version.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// What is at a path.
#[derive(Debug, Clone)]
pub enum Entry {
    File(String),
    Link(String),
    Directory,
}

const NAMES: [&str; 17] = [
    "a.service",
    "b.service",
    "c.service",
    "a.socket",
    "t.timer",
    "x@.service",
    "x@i.service",
    "x@j.service",
    "y@.service",
    "y@i.service",
    "s.target",
    "multi-user.target",
    "m.mount",
    "p.path",
    "x.service",
    "l.slice",
    "v@.target",
];

/// Directories of unit files, the likely ones more than once.
const DIRECTORIES: [&str; 12] = [
    "/etc/systemd/system",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/usr/local/lib/systemd/system",
    "/opt",
    "/run/systemd/generator",
    "/run/systemd/transient",
    "/opt",
];

const DEPENDENTS: [&str; 13] = [
    "multi-user.target",
    "s.target",
    "nope.target",
    "a.service",
    "x@.service",
    "v@.target",
    "v@%i.target",
    "x@%i.service",
    "%p.target",
    "bad/name",
    "nonsense",
    "%N.target",
    "b.service x@i.service",
];

const ALIASES: [&str; 16] = [
    "alias.service",
    "other.service",
    "b.service",
    "a.service",
    "z@.service",
    "z@i.service",
    "z@%i.service",
    "alias.socket",
    "%p-alias.service",
    "multi-user.target.wants/a.service",
    "s.target.requires/x@i.service",
    "dir/a.service",
    "nonsense",
    "alias.target",
    "alias.timer",
    "%n",
];

fn install_section(random: &mut Random) -> String {
    let mut text = String::from("[Unit]\nDescription=generated\n");
    if random.chance(6) {
        return text;
    }
    text.push_str("[Install]\n");
    for _ in 0..=random.below(3) {
        let (key, value) = match random.below(12) {
            0..=3 => ("WantedBy", random.pick(&DEPENDENTS)),
            4 | 5 => ("RequiredBy", random.pick(&DEPENDENTS)),
            6..=8 => ("Alias", random.pick(&ALIASES)),
            9 => ("Also", random.pick(&NAMES)),
            10 => {
                ("Also", random.pick(&["x@%i.service", "nope.service", "bad/name", "%p.socket", "b.service c.service"]))
            }
            _ => ("DefaultInstance", random.pick(&["i", "j", "", "%p", "a b", "k/l", "x-%p"])),
        };
        text.push_str(&format!("{key}={value}\n"));
        if random.chance(20) {
            text.push_str(&format!("{key}=\n"));
        }
    }
    text
}

/// A tree, in the order in which to make it; a path may come twice, the first one counts.
pub fn tree(random: &mut Random) -> Vec<(String, Entry)> {
    let mut entries = Vec::new();
    for _ in 0..4 + random.below(8) {
        let (directory, name) = (random.pick(&DIRECTORIES), random.pick(&NAMES));
        let path = format!("{directory}/{name}");
        let entry = match random.below(24) {
            0 => Entry::Link("/dev/null".into()),
            1 => Entry::File(String::new()),
            2 | 3 => Entry::Link(format!("/usr/lib/systemd/system/{}", random.pick(&NAMES))),
            4 => Entry::Link(random.pick(&NAMES).into()),
            5 => Entry::Link(format!("/opt/{}", random.pick(&NAMES))),
            6 => Entry::Link(format!("../system/{name}")),
            7 if random.chance(3) => Entry::Directory,
            _ => Entry::File(install_section(random)),
        };
        entries.push((path, entry));
    }
    for _ in 0..random.below(4) {
        let (directory, name) = (random.pick(&DIRECTORIES), random.pick(&NAMES));
        let suffix = random.pick(&["wants", "requires", "d"]);
        let dependent = random.pick(&["multi-user.target", "s.target", "a.service", "x@i.service", "x@.service"]);
        entries.push(match suffix {
            "d" => (
                format!("{directory}/{name}.d/{}.conf", random.pick(&["10", "20"])),
                Entry::File(install_section(random)),
            ),
            _ => (
                format!("{directory}/{dependent}.{suffix}/{name}"),
                Entry::Link(match random.below(3) {
                    0 => format!("/usr/lib/systemd/system/{}", random.pick(&NAMES)),
                    1 => format!("../{name}"),
                    _ => format!("/usr/lib/systemd/system/{name}"),
                }),
            ),
        });
    }
    if random.chance(2) {
        let directory = random.pick(&[
            "/etc/systemd/system-preset",
            "/usr/lib/systemd/system-preset",
            "/run/systemd/system-preset",
        ]);
        let mut text = String::from("# presets\n");
        for _ in 0..=random.below(4) {
            text.push_str(random.pick(&[
                "enable a.service\n",
                "disable a.service\n",
                "enable x@.service i j\n",
                "disable *\n",
                "enable [ab].*\n",
                "disable *.socket\n",
                "enable x@*.service\n",
                "disable x@i.service\n",
                "enable y@.service k\n",
                "nonsense q\n",
                "enable *.service\n",
                "disable ?.timer\n",
                "ignore b.service\n",
                "enable b.service i\n",
            ]));
        }
        entries.push((format!("{directory}/{}.preset", random.pick(&["10-a", "90-b"])), Entry::File(text)));
    }
    entries
}

/// A verb with its options and arguments.
pub fn verb(random: &mut Random) -> Vec<String> {
    let verb = random.pick(&[
        "enable",
        "enable",
        "enable",
        "disable",
        "disable",
        "reenable",
        "link",
        "mask",
        "unmask",
        "preset",
        "preset-all",
        "revert",
        "add-wants",
        "add-requires",
        "is-enabled",
        "is-enabled",
        "is-enabled",
    ]);
    let mut words = vec![verb.to_owned()];
    if verb != "is-enabled" && verb != "revert" && random.chance(5) {
        words.push("--runtime".into());
    }
    if verb != "is-enabled" && verb != "revert" && random.chance(6) {
        words.push("--force".into());
    }
    if verb.starts_with("preset") && random.chance(3) {
        words.push(format!("--preset-mode={}", random.pick(&["full", "enable-only", "disable-only"])));
    }
    if verb.starts_with("add-") {
        words.push(
            random
                .pick(&["multi-user.target", "s.target", "a.service", "nope.target", "x@i.service", "x@.service"])
                .into(),
        );
    }
    let count = match verb {
        "preset-all" => 0,
        "is-enabled" => 1,
        _ => 1 + usize::from(random.chance(3)),
    };
    for _ in 0..count {
        let mut name = random.pick(&NAMES);
        if verb == "reenable" && name.contains("@") && !name.contains("@.") {
            // systemd 252 enables the template then, which is no use to anybody.
            name = "x@.service";
        }
        // What is in the load path already is not linked; but below a root systemctl doesn't notice.
        let outside = verb == "link";
        let by_path = verb == "link" || (matches!(verb, "enable" | "reenable") && random.chance(5));
        words.push(match random.below(16) {
            _ if by_path => {
                format!("{}/{name}", if outside || random.chance(2) { "/opt" } else { "/usr/lib/systemd/system" })
            }
            0 if verb != "reenable" => random
                .pick(&["nope.service", "alias.service", "z@i.service", "x@k.service", "y@q.service", "v@i.target"])
                .into(),
            _ => name.into(),
        });
    }
    words
}

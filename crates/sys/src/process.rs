//! What /proc tells about processes (proc(5)).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

/// The fields of /proc/PID/stat that we use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Name of the program, at most 15 bytes.
    pub comm: String,
    /// `R`, `S`, `Z`, ...
    pub state: char,
    /// Parent.
    pub ppid: i32,
    /// When it started, in clock ticks after boot: with the PID it identifies a process.
    pub start_time: u64,
    /// Wait status word of a zombie; 0 for those who may not see it.
    pub exit_code: i32,
}

impl Stat {
    /// Reads it. NotFound when there is no such process (any more).
    pub fn read(pid: i32) -> io::Result<Self> {
        let text = crate::pseudo::read(format!("/proc/{pid}/stat"))?;
        Self::parse(&text).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }

    /// comm may hold spaces and parentheses: it ends at the last `)`.
    fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.trim_end().rsplit_once(") ")?;
        let (_, comm) = head.split_once('(')?;
        let fields: Vec<&str> = tail.split(' ').collect(); // fields[0] is stat's field 3
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            comm: comm.to_owned(),
            state: field(3)?.chars().next()?,
            ppid: field(4)?.parse().ok()?,
            start_time: field(22)?.parse().ok()?,
            exit_code: field(52).and_then(|f| f.parse().ok()).unwrap_or(0),
        })
    }
}

/// When a process started (see [`Stat::start_time`]).
pub fn start_time(pid: i32) -> io::Result<u64> {
    Stat::read(pid).map(|stat| stat.start_time)
}

/// Command line, arguments joined by spaces and quoted where a shell would need it; `[comm]` when there is none (kernel
/// threads, zombies).
pub fn cmdline(pid: i32) -> io::Result<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline"))?;
    let end = raw.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    if end == 0 {
        return Stat::read(pid).map(|stat| format!("[{}]", stat.comm));
    }
    let text = String::from_utf8_lossy(raw.get(..end).unwrap_or_default());
    Ok(text.split('\0').map(quoted).collect::<Vec<_>>().join(" "))
}

/// An argument as systemctl shows it: in double quotes unless it is plain, control characters as C writes them.
fn quoted(argument: &str) -> Cow<'_, str> {
    let special = |c: char| c.is_ascii_control() || c.is_ascii_whitespace() || "\"\\`$*?['()<>|&;!".contains(c);
    if !argument.is_empty() && !argument.contains(special) {
        return Cow::Borrowed(argument);
    }
    let mut out = String::with_capacity(argument.len() + 2);
    out.push('"');
    for c in argument.chars() {
        match c {
            '"' | '\\' | '`' | '$' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            c if c.is_ascii_control() => out.push_str(&format!("\\{:03o}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    Cow::Owned(out)
}

/// Uid of a process (owner of its /proc directory).
pub fn uid(pid: i32) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(format!("/proc/{pid}")).map(|m| m.uid())
}

/// Value of a variable in the environment that a process was started with.
pub fn environ(pid: i32, name: &str) -> io::Result<Option<String>> {
    let raw = fs::read(format!("/proc/{pid}/environ"))?;
    let find = |entry: &[u8]| {
        Some(String::from_utf8_lossy(entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?).into_owned())
    };
    Ok(raw.split(|b| *b == 0).find_map(find))
}

/// The cgroup2 path of a process (`0::` line of /proc/PID/cgroup).
pub fn cgroup(pid: i32) -> io::Result<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("0::"))
        .map(str::to_owned)
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// All PIDs that /proc shows, ascending.
pub fn all() -> io::Result<Vec<i32>> {
    let entries = fs::read_dir("/proc")?;
    let mut pids: Vec<i32> = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

/// Direct children of a process, of all its threads.
pub fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let path: PathBuf = task.path().join("children");
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        }; // the thread has ended
        found.extend(text.split_ascii_whitespace().filter_map(|p| p.parse::<i32>().ok()));
    }
    Ok(found)
}

/// All descendants of a process, without itself. A snapshot: walk again until nothing is left when killing.
pub fn descendants(pid: i32) -> BTreeSet<i32> {
    let mut seen = BTreeSet::new();
    let mut queue = vec![pid];
    while let Some(parent) = queue.pop() {
        for child in children(parent).unwrap_or_default() {
            if seen.insert(child) {
                queue.push(child);
            }
        }
    }
    seen
}

/// Processes whose environment at exec holds `name=value`, such as INVOCATION_ID: finds daemons that got away from a walk of
/// [`descendants`]. Costs a read per process of the machine.
pub fn with_environ(name: &str, value: &str) -> BTreeSet<i32> {
    let matches = |pid: &i32| environ(*pid, name).is_ok_and(|v| v.as_deref() == Some(value));
    all().unwrap_or_default().into_iter().filter(matches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_a_nasty_name() {
        let tail = (5..=21).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let rest = (23..=51).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let text = format!("42 (a) b (c)) S 7 {tail} 991 {rest} 256\n");
        let stat = Stat::parse(&text).unwrap();
        assert_eq!(stat, Stat { comm: "a) b (c)".into(), state: 'S', ppid: 7, start_time: 991, exit_code: 256 });
        assert_eq!(Stat::parse("nonsense"), None);
        assert_eq!(Stat::parse("1 (x) S 1"), None);
    }

    #[test]
    fn ourselves() {
        let me = std::process::id() as i32;
        assert!(start_time(me).unwrap() > 0);
        assert!(cmdline(me).unwrap().contains("sys"));
        assert!(all().unwrap().contains(&me));
        assert_eq!(uid(me).unwrap(), nix::unistd::geteuid().as_raw());
        assert_eq!(environ(me, "PATH").unwrap(), std::env::var("PATH").ok());
    }
}

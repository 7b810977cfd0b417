//! What the processes of a control group use, as the kernel counts it. Everything is read when it is asked for; what has no
//! controller, or no directory, is not known.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Input and output: bytes read, bytes written, reads, writes.
pub type Io = [u64; 4];

/// The kernel's number of the group: that of its directory (on 64-bit machines; name_to_handle_at(2) tells the same).
pub fn id(group: &Path) -> Option<u64> {
    fs::metadata(group).ok().map(|data| data.ino())
}

/// Bytes of memory. The root of all groups has no such file: there it is [`machine::memory`].
pub fn memory(group: &Path) -> Option<u64> {
    number(group, "memory.current")
}

/// Processes and threads.
pub fn tasks(group: &Path) -> Option<u64> {
    number(group, "pids.current")
}

/// CPU time, nanoseconds; counted without any controller.
pub fn cpu(group: &Path) -> Option<u64> {
    let text = crate::pseudo::read(group.join("cpu.stat")).ok()?;
    let usec = text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse::<u64>().ok())?;
    Some(usec.saturating_mul(1000))
}

/// Input and output of all devices.
pub fn io(group: &Path) -> Option<Io> {
    let text = crate::pseudo::read(group.join("io.stat")).ok()?;
    let mut sums = Io::default();
    for word in text.split_ascii_whitespace() {
        let Some((key, value)) = word.split_once('=') else { continue };
        let place = match key {
            "rbytes" => 0,
            "wbytes" => 1,
            "rios" => 2,
            "wios" => 3,
            _ => continue,
        };
        if let (Some(sum), Ok(value)) = (sums.get_mut(place), value.parse::<u64>()) {
            *sum = sum.saturating_add(value);
        }
    }
    Some(sums)
}

/// A list of numbers such as `0-3,8`, of `cpuset.cpus.effective` or `cpuset.mems.effective`.
pub fn set(group: &Path, file: &str) -> Option<String> {
    crate::pseudo::read(group.join(file)).ok().map(|text| text.trim().to_owned())
}

fn number(group: &Path, file: &str) -> Option<u64> {
    crate::pseudo::read(group.join(file)).ok()?.trim().parse().ok()
}

/// The whole machine's, where a group is that of all processes.
pub mod machine {
    use std::fs;

    /// Bytes of memory that cannot be had.
    pub fn memory() -> Option<u64> {
        let info = fs::read_to_string("/proc/meminfo").ok()?;
        let kib = |name: &str| {
            let rest = info.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(kib("MemTotal:")?.saturating_sub(kib("MemAvailable:")?).saturating_mul(1024))
    }

    /// Processes and threads.
    pub fn tasks() -> Option<u64> {
        let load = fs::read_to_string("/proc/loadavg").ok()?;
        load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
    }

    /// CPU time, nanoseconds: of users, nice ones, the kernel, and both kinds of interrupt.
    pub fn cpu() -> Option<u64> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let words: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).flat_map(str::parse).collect();
        let ticks: u64 = [0, 1, 2, 5, 6].iter().filter_map(|place| words.get(*place)).sum();
        let a_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten()?;
        Some(ticks.saturating_mul(1_000_000_000 / u64::try_from(a_second).ok()?.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read() {
        let dir = std::env::temp_dir().join(format!("cgroup-usage-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert_eq!((memory(&dir), tasks(&dir), cpu(&dir), io(&dir)), (None, None, None, None));
        for (file, text) in [
            ("memory.current", "4096\n"),
            ("pids.current", "3\n"),
            ("cpu.stat", "usage_usec 12\nuser_usec 7\n"),
            (
                "io.stat",
                "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n259:0 rbytes=1 wbytes=2 rios=3 wios=4\n",
            ),
        ] {
            fs::write(dir.join(file), text).unwrap();
        }
        assert_eq!((memory(&dir), tasks(&dir), cpu(&dir)), (Some(4096), Some(3), Some(12_000)));
        assert_eq!(io(&dir), Some([11, 22, 4, 6]));
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(id(&dir), None);
        assert!(machine::memory().is_some() && machine::tasks().is_some() && machine::cpu().is_some());
    }
}

//! The numbers of system calls.

use std::collections::HashMap;
use std::sync::LazyLock;

/// An architecture whose system calls a process can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    /// 64 bit x86; the calls of x32 are counted in.
    X86_64,
    /// 32 bit x86.
    X86,
    /// 64 bit ARM.
    Arm64,
}

impl Architecture {
    /// All that processes of this machine can be of, the machine's own first. (32 bit programs on ARM are left out: their calls
    /// are foreign to every filter.)
    pub fn local() -> &'static [Architecture] {
        if cfg!(target_arch = "aarch64") { &[Architecture::Arm64] } else { &[Architecture::X86_64, Architecture::X86] }
    }

    /// The kernel's mark in `struct seccomp_data` (linux/audit.h).
    pub fn audit(self) -> u32 {
        match self {
            Architecture::X86_64 => 0xc000_003e,
            Architecture::X86 => 0x4000_0003,
            Architecture::Arm64 => 0xc000_00b7,
        }
    }

    /// The one of a word of `SystemCallArchitectures=`; `None` for those that this machine can't have.
    pub fn of_word(word: &str) -> Option<Architecture> {
        let found = match word {
            "native" => *Self::local().first()?,
            "x86-64" => Architecture::X86_64,
            "x86" => Architecture::X86,
            "arm64" => Architecture::Arm64,
            _ => return None,
        };
        Self::local().contains(&found).then_some(found)
    }

    fn column(self) -> usize {
        match self {
            Architecture::X86_64 => 0,
            Architecture::X86 => 1,
            Architecture::Arm64 => 2,
        }
    }
}

static NUMBERS: LazyLock<HashMap<&'static str, [Option<u32>; 3]>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split_ascii_whitespace();
        let name = words.next()?;
        let mut number = || words.next().and_then(|word| word.parse().ok());
        Some((name, [number(), number(), number()]))
    };
    include_str!("numbers.txt").lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
});

/// The number of a call; `None` where the architecture doesn't have it.
pub(super) fn number(call: &str, architecture: Architecture) -> Option<u32> {
    NUMBERS.get(call)?.get(architecture.column()).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_each_architecture() {
        use Architecture::{Arm64, X86, X86_64};
        for (call, expected) in [
            ("read", [Some(0), Some(3), Some(63)]),
            ("execve", [Some(59), Some(11), Some(221)]),
            ("open", [Some(2), Some(5), None]),
            ("mmap2", [None, Some(192), None]),
            ("clone3", [Some(435); 3]),
            ("nonsense", [None; 3]),
        ] {
            assert_eq!([X86_64, X86, Arm64].map(|architecture| number(call, architecture)), expected, "{call}");
        }
    }
}

//! Filters of system calls (systemd.exec(5), "System Call Filtering" and the protections that need one), as programs for
//! seccomp(2). Each setting that wants one has its own; the kernel runs them all, and the strictest answer counts.
//!
//! | module | what |
//! |---|---|
//! | `numbers` | the numbers of system calls, by architecture |
//! | `rules` | which calls a setting forbids, and with which arguments |
//! | `assemble` | rules to instructions of the kernel's packet filter machine |

mod assemble;
mod numbers;
mod rules;

use unit_parser::Unit;

/// An instruction of the kernel's packet filter machine (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// How many instructions to leave out if its condition holds.
    pub jt: u8,
    /// How many if not.
    pub jf: u8,
    /// Its operand.
    pub k: u32,
}

/// What the kernel does about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// It is made.
    Allow,
    /// It is made, and the kernel says so in its log.
    Log,
    /// It fails with this error.
    Error(u16),
    /// The process dies of SIGSYS.
    Kill,
}

/// What an argument has to be for a rule to count. Arguments are 32 bits wide here: all that are looked at are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// One of these bits is set.
    AnyBit(u8, u32),
    /// All of these bits are set.
    AllBits(u8, u32),
    /// It is this number.
    Is(u8, u32),
    /// It is none of these numbers.
    NoneOf(u8, Vec<u32>),
    /// It is one of these numbers.
    OneOf(u8, Vec<u32>),
}

/// A call, what its arguments have to be, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Only of 32 bit x86, or only of the others: calls of one name can differ.
    x86: Option<bool>,
    call: &'static str,
    tests: Vec<Test>,
    action: Action,
}

/// One program: the rules in their order, and what comes of all other calls.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Policy {
    rules: Vec<Rule>,
    others: Action,
    /// Of calls by architectures that are not listed.
    foreign: Action,
    /// Whose calls the rules are about.
    architectures: Vec<numbers::Architecture>,
}

/// The programs that a unit's settings ask for, in the order in which they are installed: the one that might forbid to
/// install more comes last. `persona` is what personality(2) says of the process.
#[must_use]
pub fn programs(unit: &Unit, persona: u32) -> Vec<Vec<Instruction>> {
    rules::policies(unit, persona).iter().map(assemble::program).collect()
}

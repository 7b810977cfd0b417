//! Policies as programs of the kernel's packet filter machine (seccomp(2), linux/filter.h).

use super::numbers::{Architecture, number};
use super::{Action, Instruction, Policy, Rule, Test};

/// Load a word of `struct seccomp_data`.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

/// Where things lie in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Calls of x32, which share the mark of x86-64, have this bit.
const X32: u32 = 0x4000_0000;
const ENOSYS: u16 = 38;

fn plain(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

fn branch(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

fn answer(action: Action) -> Instruction {
    let k = match action {
        Action::Allow => 0x7fff_0000,
        Action::Log => 0x7ffc_0000,
        Action::Error(errno) => 0x0005_0000 | u32::from(errno),
        Action::Kill => 0x8000_0000,
    };
    plain(RETURN, k)
}

/// Jumps that need not fit into eight bits.
fn far(length: usize) -> Instruction {
    plain(JUMP, u32::try_from(length).unwrap_or(u32::MAX))
}

/// The whole program.
pub(super) fn program(policy: &Policy) -> Vec<Instruction> {
    let mut program = vec![plain(LOAD, ARCHITECTURE)];
    for architecture in &policy.architectures {
        let block = block(policy, *architecture);
        program.push(branch(IF_EQUAL, architecture.audit(), 1, 0));
        program.push(far(block.len()));
        program.extend(block);
    }
    program.push(answer(policy.foreign));
    program
}

/// What is done about the calls of one architecture. Always comes to an answer.
fn block(policy: &Policy, architecture: Architecture) -> Vec<Instruction> {
    let mut block = vec![plain(LOAD, NUMBER)];
    if architecture == Architecture::X86_64 {
        // Hardly a kernel still has x32, and those that don't answer the same.
        block.extend([branch(IF_AT_LEAST, X32, 0, 1), answer(Action::Error(ENOSYS))]);
    }
    let mut always: Vec<(u32, Action)> = Vec::new();
    for rule in &policy.rules {
        let Some(number) = number(rule.call, architecture) else { continue };
        if rule.x86.is_some_and(|x86| x86 != (architecture == Architecture::X86)) {
            continue;
        }
        if rule.tests.is_empty() {
            always.push((number, rule.action));
        } else {
            block.extend(conditional(rule, number));
        }
    }
    block.extend(search(&segments(&mut always, policy.others)));
    block
}

/// A rule that looks at arguments; goes on after it where one is another.
fn conditional(rule: &Rule, number: u32) -> Vec<Instruction> {
    let mut body = Vec::new();
    // From the last test to the first, so that it is known how far it is to the end.
    let mut tail = vec![answer(rule.action)];
    for test in rule.tests.iter().rev() {
        let mut one = tested(test, tail.len());
        one.append(&mut tail);
        tail = one;
    }
    body.push(branch(IF_EQUAL, number, 1, 0));
    body.push(far(tail.len()));
    body.append(&mut tail);
    // Arguments took the place of the number.
    body.push(plain(LOAD, NUMBER));
    body
}

/// Goes on with the next instruction if the test holds, else jumps over `rest` more.
fn tested(test: &Test, rest: usize) -> Vec<Instruction> {
    let load = |argument: &u8| plain(LOAD, ARGUMENTS + 8 * u32::from(*argument));
    // `if` leads over the far jump that is taken otherwise.
    let unless = |condition: Instruction| vec![condition, far(rest)];
    let mut code;
    match test {
        Test::AnyBit(argument, mask) => {
            code = vec![load(argument)];
            code.extend(unless(branch(IF_ANY_BIT, *mask, 1, 0)));
        }
        Test::AllBits(argument, mask) => {
            code = vec![load(argument), plain(AND, *mask)];
            code.extend(unless(branch(IF_EQUAL, *mask, 1, 0)));
        }
        Test::Is(argument, value) => {
            code = vec![load(argument)];
            code.extend(unless(branch(IF_EQUAL, *value, 1, 0)));
        }
        Test::NoneOf(argument, values) => {
            code = vec![load(argument)];
            code.extend(leave_if_one_of(values, rest));
        }
        Test::OneOf(argument, values) => {
            code = vec![load(argument)];
            // Over the jump that is taken when none of them is it.
            code.extend(leave_if_one_of(values, 1));
            code.push(far(rest));
        }
    }
    code
}

/// Jumps to `beyond` instructions behind itself if the value is one of these.
fn leave_if_one_of(values: &[u32], beyond: usize) -> impl Iterator<Item = Instruction> {
    let left = (0..values.len()).rev();
    values.iter().zip(left).flat_map(move |(value, left)| [branch(IF_EQUAL, *value, 0, 1), far(2 * left + beyond)])
}

/// The numbers from each of these on have this answer, up to the next one.
fn segments(always: &mut Vec<(u32, Action)>, others: Action) -> Vec<(u32, Action)> {
    // Of two rules the first counts.
    always.sort_by_key(|(number, _)| *number);
    always.dedup_by_key(|(number, _)| *number);
    let mut segments: Vec<(u32, Action)> = vec![(0, others)];
    let mut add = |start: u32, action: Action| match segments.last_mut() {
        Some(last) if last.0 == start => last.1 = action,
        Some(last) if last.1 == action => {}
        _ => segments.push((start, action)),
    };
    for (number, action) in always.iter() {
        add(*number, *action);
        add(*number + 1, others);
    }
    // One that begins where its predecessor has become the same is none.
    segments.dedup_by_key(|(_, action)| *action);
    segments
}

/// Finds the segment of the number by halves.
fn search(segments: &[(u32, Action)]) -> Vec<Instruction> {
    let (below, above) = segments.split_at(segments.len() / 2);
    let Some((start, action)) = above.first() else { return Vec::new() };
    if below.is_empty() {
        return vec![answer(*action)];
    }
    let left = search(below);
    let mut code = vec![branch(IF_AT_LEAST, *start, 0, 1), far(left.len())];
    code.extend(left);
    code.extend(search(above));
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machine, as far as these programs use it.
    pub(crate) fn run(program: &[Instruction], architecture: u32, number: u32, arguments: [u32; 6]) -> u32 {
        let (mut at, mut value) = (0usize, 0u32);
        loop {
            let one = program[at];
            at += 1;
            match one.code {
                LOAD => {
                    value = match one.k {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        offset => arguments[(offset - ARGUMENTS) as usize / 8],
                    }
                }
                JUMP => at += one.k as usize,
                AND => value &= one.k,
                RETURN => return one.k,
                code => {
                    let holds = match code {
                        IF_EQUAL => value == one.k,
                        IF_AT_LEAST => value >= one.k,
                        IF_ANY_BIT => value & one.k != 0,
                        other => panic!("instruction {other:#x}"),
                    };
                    at += usize::from(if holds { one.jt } else { one.jf });
                }
            }
        }
    }

    #[test]
    fn tests_of_arguments() {
        let deny = Action::Error(1);
        for (tests, arguments, denied) in [
            (vec![Test::AnyBit(0, 6)], [2, 0], true),
            (vec![Test::AnyBit(0, 6)], [1, 0], false),
            (vec![Test::AllBits(1, 6)], [0, 7], true),
            (vec![Test::AllBits(1, 6)], [0, 2], false),
            (vec![Test::Is(0, 0)], [0, 9], true),
            (vec![Test::Is(0, 0)], [1, 9], false),
            (vec![Test::NoneOf(0, vec![1, 2, 3])], [4, 0], true),
            (vec![Test::NoneOf(0, vec![1, 2, 3])], [2, 0], false),
            (vec![Test::NoneOf(0, vec![])], [2, 0], true),
            (vec![Test::OneOf(0, vec![1, 2, 3])], [3, 0], true),
            (vec![Test::OneOf(0, vec![1, 2, 3])], [1, 0], true),
            (vec![Test::OneOf(0, vec![1, 2, 3])], [7, 0], false),
            (vec![Test::AnyBit(0, 1), Test::AnyBit(1, 1)], [1, 1], true),
            (vec![Test::AnyBit(0, 1), Test::AnyBit(1, 1)], [1, 0], false),
            (vec![Test::OneOf(0, vec![5, 6]), Test::NoneOf(1, vec![8])], [6, 9], true),
            (vec![Test::OneOf(0, vec![5, 6]), Test::NoneOf(1, vec![8])], [6, 8], false),
        ] {
            let rules = vec![
                Rule { x86: None, call: "read", tests: tests.clone(), action: deny },
                Rule { x86: None, call: "write", tests: Vec::new(), action: Action::Kill },
            ];
            let policy = Policy {
                rules,
                others: Action::Allow,
                foreign: Action::Log,
                architectures: vec![Architecture::X86_64, Architecture::X86],
            };
            let program = program(&policy);
            let [first, second] = arguments;
            let arguments = [first, second, 0, 0, 0, 0];
            let expected = if denied { 0x0005_0001 } else { 0x7fff_0000 };
            assert_eq!(run(&program, 0xc000_003e, 0, arguments), expected, "{tests:?} {arguments:?}");
            assert_eq!(run(&program, 0x4000_0003, 3, arguments), expected, "{tests:?} {arguments:?} on x86");
            assert_eq!(run(&program, 0xc000_003e, 1, arguments), 0x8000_0000);
            assert_eq!(run(&program, 0xc000_003e, 2, arguments), 0x7fff_0000);
            assert_eq!(run(&program, 0xc000_003e, X32, arguments), 0x0005_0000 | u32::from(ENOSYS));
            assert_eq!(run(&program, 7, 0, arguments), 0x7ffc_0000);
        }
    }

    #[test]
    fn every_number_has_the_answer_of_its_rule() {
        let calls = ["read", "write", "close", "execve", "clone3", "openat", "mmap", "exit_group"];
        let rules = calls.map(|call| Rule { x86: None, call, tests: Vec::new(), action: Action::Allow });
        let policy = Policy {
            rules: rules.to_vec(),
            others: Action::Kill,
            foreign: Action::Kill,
            architectures: vec![Architecture::X86_64],
        };
        let program = program(&policy);
        let numbers = calls.map(|call| number(call, Architecture::X86_64).unwrap());
        for call in 0..600 {
            let expected = if numbers.contains(&call) { 0x7fff_0000 } else { 0x8000_0000 };
            assert_eq!(run(&program, 0xc000_003e, call, [0; 6]), expected, "{call}");
        }
    }
}

//! Which devices may be used, as a program that the kernel runs at each attempt: it returns 1 to allow it.
//!
//! The kernel gives it three numbers: what is tried (the lower half says block or character, the upper half what access), the
//! major and the minor number. The program tries one rule after the other.

/// Kinds of device node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `b`
    Block,
    /// `c`
    Character,
}

/// What may be done, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access(u8);

impl Access {
    /// Everything.
    pub const ALL: Access = Access(7);

    /// From the letters `r`, `w` and `m` (making a node); others say nothing.
    pub fn of(letters: &str) -> Access {
        let bits = letters.chars().map(|letter| match letter {
            'm' => 1,
            'r' => 2,
            'w' => 4,
            _ => 0,
        });
        Access(bits.fold(0, |all, bit| all | bit))
    }
}

/// One rule; without a number it is about all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Which kind.
    pub class: Class,
    /// Major number.
    pub major: Option<u32>,
    /// Minor number.
    pub minor: Option<u32>,
    /// What may be done.
    pub access: Access,
}

/// One instruction, as the kernel takes it (`struct bpf_insn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    code: u8,
    /// Destination in the lower half, source in the upper.
    registers: u8,
    offset: i16,
    immediate: i32,
}

/// Registers: the result, the context and later something to reckon with, and what was read from the context.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const SCRATCH: u8 = 1;
const CLASS: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

/// Opcodes: BPF_LDX|MEM|W, BPF_ALU|AND|K, BPF_ALU|RSH|K, BPF_ALU|MOV|X, BPF_ALU64|MOV|K, BPF_JMP|JNE|K, BPF_JMP|JNE|X, BPF_EXIT.
const LOAD: u8 = 0x61;
const AND: u8 = 0x54;
const SHIFT: u8 = 0x74;
const COPY: u8 = 0xbc;
const SET: u8 = 0xb7;
const UNLESS: u8 = 0x55;
const UNLESS_REGISTER: u8 = 0x5d;
const EXIT: u8 = 0x95;

const fn instruction(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: to | from << 4, offset, immediate }
}

/// The program of these rules. Without any it allows nothing.
pub fn program(rules: &[Rule]) -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD, CLASS, CONTEXT, 0, 0),
        instruction(LOAD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD, MINOR, CONTEXT, 8, 0),
        instruction(COPY, ACCESS, CLASS, 0, 0),
        instruction(AND, CLASS, 0, 0, 0xffff),
        instruction(SHIFT, ACCESS, 0, 0, 16),
    ];
    for rule in rules {
        program.extend(block(rule));
    }
    program.extend([instruction(SET, RESULT, 0, 0, 0), instruction(EXIT, 0, 0, 0, 0)]);
    program
}

/// Allows, or jumps behind itself.
fn block(rule: &Rule) -> Vec<Instruction> {
    let class = match rule.class {
        Class::Block => 1,
        Class::Character => 2,
    };
    let number = |number: u32| i32::try_from(number).unwrap_or(-1);
    let mut block = vec![instruction(UNLESS, CLASS, 0, 0, class)];
    if rule.access != Access::ALL {
        // Nothing is left but what is allowed.
        block.push(instruction(COPY, SCRATCH, ACCESS, 0, 0));
        block.push(instruction(AND, SCRATCH, 0, 0, i32::from(rule.access.0)));
        block.push(instruction(UNLESS_REGISTER, SCRATCH, ACCESS, 0, 0));
    }
    block.extend(rule.major.map(|major| instruction(UNLESS, MAJOR, 0, 0, number(major))));
    block.extend(rule.minor.map(|minor| instruction(UNLESS, MINOR, 0, 0, number(minor))));
    block.extend([instruction(SET, RESULT, 0, 0, 1), instruction(EXIT, 0, 0, 0, 0)]);
    let length = block.len();
    for (place, jump) in block.iter_mut().enumerate() {
        if matches!(jump.code, UNLESS | UNLESS_REGISTER) {
            // Blocks have at most eight instructions.
            jump.offset = i16::try_from(length - place - 1).unwrap_or(0);
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would find, for the few instructions there are.
    fn run(program: &[Instruction], class: u32, access: &str, major: u32, minor: u32) -> bool {
        let context = [class | u32::from(Access::of(access).0) << 16, major, minor];
        let mut registers = [0i64; 6];
        let mut at = 0;
        loop {
            let it = program[at];
            let (to, from) = (usize::from(it.registers & 15), usize::from(it.registers >> 4));
            at += 1;
            match it.code {
                LOAD => registers[to] = i64::from(context[usize::try_from(it.offset).unwrap() / 4]),
                COPY => registers[to] = registers[from],
                AND => registers[to] &= i64::from(it.immediate),
                SHIFT => registers[to] >>= it.immediate,
                SET => registers[to] = i64::from(it.immediate),
                UNLESS if registers[to] != i64::from(it.immediate) => at += usize::try_from(it.offset).unwrap(),
                UNLESS_REGISTER if registers[to] != registers[from] => at += usize::try_from(it.offset).unwrap(),
                UNLESS | UNLESS_REGISTER => {}
                EXIT => return registers[0] == 1,
                other => panic!("opcode {other:#x}"),
            }
        }
    }

    const BLOCK: u32 = 1;
    const CHARACTER: u32 = 2;

    #[test]
    fn rules_allow() {
        let rule = |class, major, minor, access| Rule { class, major, minor, access: Access::of(access) };
        let program = program(&[
            rule(Class::Character, Some(1), Some(3), "rwm"),
            rule(Class::Character, Some(136), None, "rw"),
            rule(Class::Block, Some(7), Some(0), "r"),
            rule(Class::Block, Some(259), Some(1_048_575), "w"),
        ]);
        for (class, access, major, minor, allowed) in [
            (CHARACTER, "rwm", 1, 3, true),
            (CHARACTER, "r", 1, 3, true),
            (BLOCK, "r", 1, 3, false),
            (CHARACTER, "r", 1, 5, false),
            (CHARACTER, "rw", 136, 77, true),
            (CHARACTER, "m", 136, 77, false),
            (CHARACTER, "rm", 136, 77, false),
            (BLOCK, "r", 7, 0, true),
            (BLOCK, "rw", 7, 0, false),
            (BLOCK, "r", 7, 1, false),
            (BLOCK, "w", 259, 1_048_575, true),
            (CHARACTER, "w", 4, 64, false),
        ] {
            assert_eq!(run(&program, class, access, major, minor), allowed, "{class} {access} {major}:{minor}");
        }
    }

    #[test]
    fn none_and_all() {
        assert!(!run(&program(&[]), CHARACTER, "r", 1, 3));
        let all = Rule { class: Class::Character, major: None, minor: None, access: Access::ALL };
        assert!(run(&program(&[all]), CHARACTER, "rwm", 9, 9) && !run(&program(&[all]), BLOCK, "r", 9, 9));
    }

    #[test]
    fn instructions_are_the_kernels() {
        assert_eq!(size_of::<Instruction>(), 8);
        assert_eq!(Access::of("rwm"), Access::ALL);
        assert_eq!(program(&[]).len(), 8);
    }
}

//! bpf(2) itself.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::devices::Instruction;

const PROG_LOAD: i32 = 5;
const PROG_ATTACH: i32 = 8;
const PROG_DETACH: i32 = 9;
const PROG_GET_FD_BY_ID: i32 = 13;
const OBJ_GET_INFO_BY_FD: i32 = 15;
const PROG_QUERY: i32 = 16;

/// BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI: programs of groups below count as well.
const TYPE: u32 = 15;
const DEVICE: u32 = 6;
const ALLOW_MULTI: u32 = 2;
/// How many programs of one group are looked at.
const MOST: usize = 64;
/// Bytes of a name, with the NUL at its end.
const NAME_LENGTH: usize = 16;

/// The part of `union bpf_attr` that PROG_LOAD takes.
#[repr(C)]
#[derive(Default)]
struct Load {
    prog_type: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel: u32,
    flags: u32,
    name: [u8; NAME_LENGTH],
    interface: u32,
    attach_type: u32,
}

/// PROG_ATTACH and PROG_DETACH.
#[repr(C)]
#[derive(Default)]
struct Attach {
    target: u32,
    program: u32,
    attach_type: u32,
    flags: u32,
}

/// PROG_QUERY.
#[repr(C)]
#[derive(Default)]
struct Query {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
}

/// PROG_GET_FD_BY_ID.
#[repr(C)]
#[derive(Default)]
struct ById {
    id: u32,
    next: u32,
    flags: u32,
}

/// OBJ_GET_INFO_BY_FD.
#[repr(C)]
#[derive(Default)]
struct Info {
    program: u32,
    length: u32,
    info: u64,
}

/// The head of `struct bpf_prog_info`, up to the name.
#[repr(C)]
#[derive(Default)]
struct ProgramInfo {
    numbers: [u32; 6],
    pointers: [u64; 2],
    load_time: u64,
    owner: u32,
    maps: u32,
    map_ids: u64,
    name: [u8; NAME_LENGTH],
}

fn bpf<T>(command: i32, attributes: &mut T) -> io::Result<i32> {
    // SAFETY: the kernel reads and writes no more than the size says, of a structure that lives until it returns; addresses in it
    // are of buffers that the caller keeps as long.
    let r = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), size_of::<T>()) };
    crate::pidfd::cvt(r)
}

/// The address as the kernel takes it.
fn address<T>(pointer: *const T) -> u64 {
    pointer as usize as u64
}

fn number(fd: &impl AsRawFd) -> u32 {
    // A descriptor that is open has no negative number.
    u32::try_from(fd.as_raw_fd()).unwrap_or(u32::MAX)
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: bpf(2) has just made this descriptor, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Has a program checked and taken.
pub(super) fn load(program: &[Instruction], name: &str) -> io::Result<OwnedFd> {
    let license = CString::new("MIT").map_err(io::Error::other)?;
    let mut attributes = Load {
        prog_type: TYPE,
        count: u32::try_from(program.len()).map_err(io::Error::other)?,
        instructions: address(program.as_ptr()),
        license: address(license.as_ptr()),
        attach_type: DEVICE,
        ..Load::default()
    };
    for (to, from) in attributes.name.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    bpf(PROG_LOAD, &mut attributes).map(owned)
}

/// Attaches a program to a control group, beside others.
pub(super) fn attach(group: &File, program: &OwnedFd) -> io::Result<()> {
    let mut attributes =
        Attach { target: number(group), program: number(program), attach_type: DEVICE, flags: ALLOW_MULTI };
    bpf(PROG_ATTACH, &mut attributes).map(drop)
}

/// The reverse.
pub(super) fn detach(group: &File, program: &OwnedFd) -> io::Result<()> {
    let mut attributes = Attach { target: number(group), program: number(program), attach_type: DEVICE, flags: 0 };
    bpf(PROG_DETACH, &mut attributes).map(drop)
}

/// The programs that are attached to a control group itself.
pub(super) fn attached(group: &File) -> io::Result<Vec<u32>> {
    let mut ids = [0u32; MOST];
    let mut attributes = Query {
        target: number(group),
        attach_type: DEVICE,
        ids: address(ids.as_mut_ptr()),
        count: MOST as u32,
        ..Query::default()
    };
    bpf(PROG_QUERY, &mut attributes)?;
    Ok(ids.into_iter().take(usize::try_from(attributes.count).unwrap_or(0)).collect())
}

/// A program by its number.
pub(super) fn program(id: u32) -> io::Result<OwnedFd> {
    bpf(PROG_GET_FD_BY_ID, &mut ById { id, ..ById::default() }).map(owned)
}

/// What a program is called.
pub(super) fn name(program: &OwnedFd) -> io::Result<String> {
    let mut info = ProgramInfo::default();
    let mut attributes = Info {
        program: number(program),
        length: size_of::<ProgramInfo>() as u32,
        info: address(std::ptr::from_mut(&mut info)),
    };
    bpf(OBJ_GET_INFO_BY_FD, &mut attributes)?;
    let bytes = info.name.iter().copied().take_while(|byte| *byte != 0);
    Ok(bytes.map(char::from).collect())
}

//! Becoming, or starting, a program with passed descriptors and nothing else set up: what systemd-socket-activate(1) does.
//! Services proper go through [`crate::spawn`].

use std::ffi::{CString, OsStr, OsString, c_char, c_int, c_void};
use std::io::{self, Write};
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fs, ptr};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

use crate::listen_fds::START;

/// How descriptors are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// From 3 on, with LISTEN_FDS and LISTEN_PID.
    ListenFds,
    /// The only one as standard input and output (inetd(8)).
    Inetd,
}

/// A program, ready to be executed.
#[derive(Debug)]
pub struct Program {
    path: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    passing: Passing,
}

/// Digits of a PID or port, and of an address (INET6_ADDRSTRLEN): what is reserved in the environment.
const NUMBER: usize = 10;
const ADDRESS: usize = 46;

impl Program {
    /// A program with its arguments (`argv[0]` included) and its whole environment but for LISTEN_FDS and LISTEN_PID.
    /// `NotFound` when no such program is in `search` (`$PATH`) or at its path.
    pub fn new(
        argv: &[OsString],
        env: &[(OsString, OsString)],
        search: &OsStr,
        passing: Passing,
    ) -> io::Result<Self> {
        let program = argv.first().ok_or(io::ErrorKind::InvalidInput)?;
        let path = find(Path::new(program), search).ok_or(io::ErrorKind::NotFound)?;
        let env = env.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        Ok(Self {
            path: text(path.as_os_str().as_bytes())?,
            argv: argv.iter().map(|word| text(word.as_bytes())).collect::<io::Result<_>>()?,
            env: env.map(|variable| text(&variable)).collect::<io::Result<_>>()?,
            passing,
        })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.path.as_bytes()))
    }

    /// Becomes it. Comes back with an error only, and with descriptors possibly moved then.
    pub fn replace(self, fds: &[BorrowedFd<'_>]) -> io::Error {
        let mut env = self.env;
        if self.passing == Passing::ListenFds {
            let own = [format!("LISTEN_FDS={}", fds.len()), format!("LISTEN_PID={}", std::process::id())];
            match own.iter().map(|variable| text(variable.as_bytes())).collect::<io::Result<Vec<_>>>() {
                Ok(own) => env.extend(own),
                Err(error) => return error,
            }
        }
        // Copies out of the way first: a descriptor may be where another has to go.
        let above = START + c_int::try_from(fds.len()).unwrap_or(c_int::MAX);
        let mut copies: Vec<RawFd> = Vec::with_capacity(fds.len());
        for fd in fds {
            // SAFETY: no pointers.
            match Errno::result(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, above) }) {
                Ok(copy) => copies.push(copy),
                Err(error) => return error.into(),
            }
        }
        let targets: &[RawFd] = match self.passing {
            Passing::ListenFds => &(START..above).collect::<Vec<_>>(),
            Passing::Inetd => &[0, 1],
        };
        for (at, target) in targets.iter().enumerate() {
            let Some(copy) = copies.get(at).or(copies.first()) else { break };
            // SAFETY: no pointers. What was at `target` is closed: this process is about to become another.
            if let Err(error) = Errno::result(unsafe { libc::dup2(*copy, *target) }) {
                return error.into();
            }
        }
        let (argv, env) = (pointers(&self.argv), pointers(&env));
        // SAFETY: handlers are reset by exec, ignored signals are not: SIGPIPE, which Rust ignores, gets its default back.
        // All pointers are to C strings that live through the call, the lists end in null.
        unsafe {
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            libc::execve(self.path.as_ptr(), argv.as_ptr(), env.as_ptr());
        }
        io::Error::last_os_error()
    }

    /// Starts it with one connection of `listener`, which the child itself accepts: whatever happens to the caller, a
    /// connection is either still in the backlog or in the hands of the program. It gets REMOTE_ADDR and REMOTE_PORT.
    /// Returns the PID; `WouldBlock` when there is no connection.
    ///
    /// The caller waits until the child has executed the program (CLONE_VFORK, nothing is copied but the descriptor table).
    pub fn accept_and_spawn(&self, listener: BorrowedFd<'_>) -> io::Result<i32> {
        let mut child = Child::new(self, listener);
        let mut env = pointers(&self.env);
        env.pop();
        let reserved = child.variables();
        env.extend(reserved);
        env.push(ptr::null());
        child.env = env.as_mut_ptr();
        child.reserved_at = env.len() - 1 - reserved.len();
        let argv = pointers(&self.argv);
        child.argv = argv.as_ptr();
        let mut stack = vec![0u128; 64 * 1024 / size_of::<u128>()];
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut child.mask))?;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the child runs on a stack of its own; that, `child` and everything it points to outlive it, since
        // CLONE_VFORK suspends us until it has executed or exited. See `run` for what it does meanwhile.
        let pid = unsafe {
            let top = stack.as_mut_ptr_range().end;
            libc::clone(run, top.cast::<c_void>(), flags, (&raw mut child).cast::<c_void>())
        };
        let spawned = Errno::result(pid);
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&child.mask), None)?;
        let pid = spawned?;
        // SAFETY: a live local; volatile because another process wrote it.
        match unsafe { (&raw const child.error).read_volatile() } {
            0 => Ok(pid),
            errno => {
                // SAFETY: a null status is allowed. It has exited; it must not stay a zombie.
                while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } < 0 && Errno::last() == Errno::EINTR {}
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }
}

/// What the child works on. Filled before; it allocates nothing.
struct Child {
    listener: RawFd,
    inetd: bool,
    path: *const c_char,
    argv: *const *const c_char,
    env: *mut *const c_char,
    /// Where the variables below stand in `env`.
    reserved_at: usize,
    pid: [u8; "LISTEN_PID=".len() + NUMBER + 1],
    count: [u8; "LISTEN_FDS=1".len() + 1],
    address: [u8; "REMOTE_ADDR=".len() + ADDRESS + 1],
    port: [u8; "REMOTE_PORT=".len() + NUMBER + 1],
    mask: SigSet,
    error: c_int,
}

impl Child {
    fn new(program: &Program, listener: BorrowedFd<'_>) -> Self {
        let mut child = Self {
            listener: listener.as_raw_fd(),
            inetd: program.passing == Passing::Inetd,
            path: program.path.as_ptr(),
            argv: ptr::null(),
            env: ptr::null_mut(),
            reserved_at: 0,
            pid: [0; _],
            count: [0; _],
            address: [0; _],
            port: [0; _],
            mask: SigSet::empty(),
            error: 0,
        };
        child.count[..12].copy_from_slice(b"LISTEN_FDS=1");
        child
    }

    fn variables(&self) -> [*const c_char; 4] {
        [self.pid.as_ptr(), self.count.as_ptr(), self.address.as_ptr(), self.port.as_ptr()].map(<*const u8>::cast)
    }

    /// Writes the values that only the child knows. Formatting of numbers and addresses into a slice takes no memory.
    fn fill(&mut self, peer: &libc::sockaddr_storage, len: libc::socklen_t, pid: c_int) -> usize {
        let mut used = 0;
        if !self.inetd {
            let _ = write!(&mut self.pid[..], "LISTEN_PID={pid}");
            used += 2;
        }
        let host = match crate::net::address_of(peer, len) {
            Some((v4, Some(ip), port)) if v4 => {
                let _ = write!(&mut self.address[..], "REMOTE_ADDR={ip}");
                Some(port)
            }
            Some((_, Some(ip), port)) => {
                let _ = write!(&mut self.address[..], "REMOTE_ADDR={ip}");
                Some(port)
            }
            _ => None,
        };
        if let Some(port) = host {
            let _ = write!(&mut self.port[..], "REMOTE_PORT={port}");
            used += 2;
        }
        used
    }
}

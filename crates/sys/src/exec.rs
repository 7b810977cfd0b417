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

impl Program {
    /// A program with its arguments (`argv[0]` included) and its whole environment but for LISTEN_FDS and LISTEN_PID.
    /// `NotFound` when no such program is in `search` (`$PATH`) or at its path.
    pub fn new(argv: &[OsString], env: &[(OsString, OsString)], search: &OsStr, passing: Passing) -> io::Result<Self> {
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
    /// connection is either still in the backlog or in the hands of the program. Internet peers are told in REMOTE_ADDR and
    /// REMOTE_PORT. Returns the PID; `WouldBlock` when there is no connection.
    ///
    /// The caller waits until the child has executed the program (CLONE_VFORK: nothing is copied but the descriptor table).
    pub fn accept_and_spawn(&self, listener: BorrowedFd<'_>) -> io::Result<i32> {
        let argv = pointers(&self.argv);
        let mut env = pointers(&self.env);
        let own = env.len() - 1;
        env.resize(own + Variables::COUNT + 1, ptr::null());
        let mut mask = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut mask))?;
        let mut child = Child {
            listener: listener.as_raw_fd(),
            passing: self.passing,
            path: self.path.as_ptr(),
            argv: argv.as_ptr(),
            env: env.as_mut_ptr(),
            own,
            variables: Variables::EMPTY,
            mask: SigSet::empty(),
            error: 0,
        };
        let mut stack = vec![0u128; STACK / size_of::<u128>()];
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the child runs on a stack of its own; that, `child` and everything it points to outlive it, since
        // CLONE_VFORK suspends us until it has executed or exited. `run` says what it does meanwhile.
        let pid = unsafe {
            let top = stack.as_mut_ptr_range().end;
            libc::clone(run, top.cast::<c_void>(), flags, (&raw mut child).cast::<c_void>())
        };
        let spawned = Errno::result(pid);
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        let pid = spawned?;
        // SAFETY: a live local; volatile because another process wrote it.
        match unsafe { (&raw const child.error).read_volatile() } {
            0 => Ok(pid),
            errno => {
                // SAFETY: a null status is allowed. The child has exited; it must not stay a zombie.
                while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } < 0 && Errno::last() == Errno::EINTR {}
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }
}

/// Stack of the child between vfork and exec.
const STACK: usize = 64 * 1024;

/// What the child works on; all memory that it needs.
struct Child {
    listener: RawFd,
    passing: Passing,
    path: *const c_char,
    argv: *const *const c_char,
    env: *mut *const c_char,
    /// How many entries of `env` are the program's own; there is room for [`Variables::COUNT`] more, and null.
    own: usize,
    variables: Variables,
    /// No signal is blocked in the program, whatever the parent waits for with signalfd(2).
    mask: SigSet,
    error: c_int,
}

/// Room for the variables whose values only the child knows, with the NUL at the end of each.
struct Variables {
    count: [u8; 24],
    pid: [u8; 24],
    port: [u8; 24],
    address: [u8; 64],
}

impl Variables {
    const COUNT: usize = 4;
    const EMPTY: Self = Self { count: [0; 24], pid: [0; 24], port: [0; 24], address: [0; 64] };
}

/// The child: shares the parent's memory, so it allocates nothing, takes no locks and leaves by exec or _exit. Formatting
/// numbers and addresses into a slice takes no memory.
extern "C" fn run(argument: *mut c_void) -> c_int {
    // SAFETY: the parent's Child; the parent is suspended, so this is the only reference.
    let child = unsafe { &mut *argument.cast::<Child>() };
    child.error = match become_program(child) {
        Ok(never) => match never {},
        Err(errno) => errno as c_int,
    };
    // SAFETY: ends this process without running anything of the parent's.
    unsafe { libc::_exit(127) }
}

fn become_program(child: &mut Child) -> Result<std::convert::Infallible, Errno> {
    // SAFETY: sockaddr_storage is plain data for which all zeroes is a value.
    let mut peer: libc::sockaddr_storage = unsafe { zeroed() };
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the kernel writes at most len bytes into peer.
    let fd = Errno::result(unsafe {
        libc::accept4(child.listener, (&raw mut peer).cast(), &raw mut len, libc::SOCK_CLOEXEC)
    })?;
    let mut used = child.own;
    let mut tell = |variable: *const u8| {
        // SAFETY: env has room for Variables::COUNT entries behind the own ones and a null.
        unsafe { *child.env.add(used) = variable.cast() };
        used += 1;
    };
    let targets: &[RawFd] = match child.passing {
        Passing::ListenFds => {
            let v = &mut child.variables;
            let _ = write!(&mut v.count[..], "LISTEN_FDS=1");
            let _ = write!(&mut v.pid[..], "LISTEN_PID={}", std::process::id());
            tell(v.count.as_ptr());
            tell(v.pid.as_ptr());
            &[START]
        }
        Passing::Inetd => &[0, 1],
    };
    if let Some(peer) = crate::net::internet(&peer, len) {
        let v = &mut child.variables;
        let _ = write!(&mut v.port[..], "REMOTE_PORT={}", peer.port());
        let _ = write!(&mut v.address[..], "REMOTE_ADDR={}", peer.ip());
        tell(v.port.as_ptr());
        tell(v.address.as_ptr());
    }
    for target in targets {
        // SAFETY: no pointers; this descriptor table is our own copy.
        Errno::result(unsafe {
            if fd == *target { libc::fcntl(fd, libc::F_SETFD, 0) } else { libc::dup2(fd, *target) }
        })?;
    }
    // SAFETY: handlers are reset by exec, ignored signals are not: SIGPIPE, which Rust ignores, gets its default back (our
    // table of handlers is a copy). All pointers are to C strings of the suspended parent, the lists end in null.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_SETMASK, child.mask.as_ref(), ptr::null_mut());
        libc::execve(child.path, child.argv, child.env.cast_const().cast());
    }
    Err(Errno::last())
}

fn text(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// A list for exec, null at its end.
fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
}

/// As execvp(3) finds programs.
fn find(program: &Path, search: &OsStr) -> Option<PathBuf> {
    let runs = |path: &Path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if program.as_os_str().as_bytes().contains(&b'/') {
        return program.exists().then(|| program.to_owned());
    }
    std::env::split_paths(search).map(|dir| dir.join(program)).find(|path| runs(path))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;

    fn program(passing: Passing, script: &str) -> Program {
        let argv = ["sh", "-c", script].map(OsString::from);
        let env = [("X".into(), "y".into())];
        Program::new(&argv, &env, OsStr::new("/usr/bin:/bin"), passing).unwrap()
    }

    fn answer(passing: Passing, script: &str, client: &str, server: &str) -> String {
        let listener = TcpListener::bind(server).unwrap();
        listener.set_nonblocking(true).unwrap();
        let program = program(passing, script);
        assert_eq!(program.accept_and_spawn(listener.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let port = listener.local_addr().unwrap().port();
        let mut client = TcpStream::connect((client, port)).unwrap();
        let pid = program.accept_and_spawn(listener.as_fd()).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text.replace(&pid.to_string(), "PID").replace(&client.local_addr().unwrap().port().to_string(), "PORT")
    }

    #[test]
    fn the_child_accepts() {
        let text = answer(
            Passing::ListenFds,
            "echo $X $$ $LISTEN_PID $LISTEN_FDS $REMOTE_ADDR $REMOTE_PORT >&3",
            "127.0.0.1",
            "127.0.0.1:0",
        );
        assert_eq!(text, "y PID PID 1 127.0.0.1 PORT\n");
        let text = answer(Passing::Inetd, "echo ${LISTEN_PID-unset} $REMOTE_ADDR; exit", "::1", "[::]:0");
        assert_eq!(text, "unset ::1\n");
        let text = answer(Passing::Inetd, "echo $REMOTE_ADDR", "127.0.0.1", "[::]:0");
        assert_eq!(text, "127.0.0.1\n", "a mapped address is an IPv4 one");
    }

    #[test]
    fn a_missing_program_is_told_at_once() {
        let argv = [OsString::from("no-such-program")];
        let error = Program::new(&argv, &[], OsStr::new("/usr/bin"), Passing::Inetd).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

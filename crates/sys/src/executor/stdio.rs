//! Standard input, output and error.

use super::report::At;
use super::{Failure, FileMode, Job, JournalStream, Stdio, Step, Tty};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;

const JOURNAL: &str = "/run/systemd/journal/stdout";

/// Puts 0, 1 and 2 in place. Returns device and inode of the journal stream at stderr or stdout, for JOURNAL_STREAM.
pub(super) fn set_up(job: &Job) -> Result<Option<(u64, u64)>, Failure> {
    let tty = match (&job.tty, wants_tty(job)) {
        (Some(tty), Some(step)) => Some(open_tty(tty).at(step, tty.path.display().to_string())?),
        _ => None,
    };
    // All are opened before the first is put in place: a source may be one of 0, 1, 2 itself.
    let stdin = open(&job.stdin, 0, None, tty.as_ref(), libc::O_RDONLY).at(Step::Stdin, what(&job.stdin))?;
    let stdout =
        open(&job.stdout, 1, Some(&stdin), tty.as_ref(), libc::O_WRONLY).at(Step::Stdout, what(&job.stdout))?;
    let stderr =
        open(&job.stderr, 2, Some(&stdout), tty.as_ref(), libc::O_WRONLY).at(Step::Stderr, what(&job.stderr))?;
    for (source, target, step) in [(&stdin, 0, Step::Stdin), (&stdout, 1, Step::Stdout), (&stderr, 2, Step::Stderr)] {
        // SAFETY: replaces one of this program's own standard descriptors; std holds no owned type for them.
        crate::pidfd::cvt(i64::from(unsafe { libc::dup2(source.as_raw_fd(), target) })).at(step, "dup2")?;
    }
    let is_journal = |stdio: &Stdio| matches!(stdio, Stdio::Journal(_));
    let stdout_journal = is_journal(&job.stdout);
    let stderr_journal = is_journal(&job.stderr) || (stdout_journal && job.stderr == Stdio::Same);
    let stream = if stderr_journal { stderr } else { stdout };
    Ok((stdout_journal || stderr_journal)
        .then(|| File::from(stream))
        .and_then(|f| f.metadata().ok())
        .map(|m| (m.dev(), m.ino())))
}

/// The first stream that is the terminal.
fn wants_tty(job: &Job) -> Option<Step> {
    let streams = [(&job.stdin, Step::Stdin), (&job.stdout, Step::Stdout), (&job.stderr, Step::Stderr)];
    streams.into_iter().find(|(stream, _)| **stream == Stdio::Tty).map(|(_, step)| step)
}

fn what(stdio: &Stdio) -> String {
    match stdio {
        Stdio::File { path, .. } => path.display().to_string(),
        other => format!("{other:?}"),
    }
}

/// A descriptor above 2 for what shall be at `number`.
fn open(
    stdio: &Stdio,
    number: RawFd,
    before: Option<&OwnedFd>,
    tty: Option<&OwnedFd>,
    access: i32,
) -> io::Result<OwnedFd> {
    match stdio {
        Stdio::Inherit => match copy(number) {
            Err(e) if e.raw_os_error() == Some(libc::EBADF) => null(access),
            other => other,
        },
        Stdio::Null => null(access),
        Stdio::Same => before.map_or_else(|| null(access), |fd| copy(fd.as_raw_fd())),
        Stdio::Fd(fd) => copy(*fd),
        Stdio::File { path, mode } => above_stdio(open_file(path, *mode)?),
        Stdio::Tty => tty.map_or_else(|| Err(io::Error::from_raw_os_error(libc::ENXIO)), |fd| copy(fd.as_raw_fd())),
        Stdio::Journal(stream) => journal(stream).or_else(|_| null(access)),
        Stdio::Data(bytes) => above_stdio(File::from(crate::memfd::sealed("data-fd", bytes)?)),
    }
}

fn null(access: i32) -> io::Result<OwnedFd> {
    let read = access == libc::O_RDONLY;
    above_stdio(OpenOptions::new().read(read).write(!read).custom_flags(libc::O_NOCTTY).open("/dev/null")?)
}

/// A file that is a socket (StandardOutput=file:/run/x.sock) is connected to, as systemd.exec(5) says.
fn open_file(path: &std::path::Path, mode: FileMode) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NOCTTY).mode(0o666);
    match mode {
        FileMode::Read => options.read(true),
        FileMode::ReadWrite => options.read(true).write(true).create(true),
        FileMode::Write => options.write(true).create(true),
        FileMode::Append => options.append(true).create(true),
        FileMode::Truncate => options.write(true).create(true).truncate(true),
    };
    match options.open(path) {
        Err(e) if e.raw_os_error() == Some(libc::ENXIO) => Ok(File::from(OwnedFd::from(UnixStream::connect(path)?))),
        other => other,
    }
}

/// The header of journald's stream protocol, then lines.
fn journal(stream: &JournalStream) -> io::Result<OwnedFd> {
    let mut socket = UnixStream::connect(JOURNAL)?;
    socket.shutdown(std::net::Shutdown::Read)?;
    let flag = |on: bool| u8::from(on);
    let header = format!(
        "{}\n{}\n{}\n{}\n0\n{}\n{}\n",
        stream.identifier,
        stream.unit,
        stream.priority,
        flag(stream.level_prefix),
        flag(stream.forward_to_kmsg),
        flag(stream.forward_to_console)
    );
    socket.write_all(header.as_bytes())?;
    copy(socket.as_raw_fd())
}

/// TTYPath=: opened, made our controlling terminal, and reset as asked.
fn open_tty(tty: &Tty) -> io::Result<OwnedFd> {
    let open = || OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(&tty.path);
    let mut terminal = open()?;
    if tty.vhangup {
        control(terminal.as_fd(), TIOCVHANGUP, 0)?;
        terminal = open()?;
    }
    control(terminal.as_fd(), libc::TIOCSCTTY, i32::from(tty.force))?;
    if tty.reset {
        use nix::sys::termios::{SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};
        let mut settings = tcgetattr(&terminal)?;
        settings.input_flags = nix::sys::termios::InputFlags::ICRNL
            | nix::sys::termios::InputFlags::IMAXBEL
            | nix::sys::termios::InputFlags::IUTF8;
        settings.output_flags = nix::sys::termios::OutputFlags::ONLCR | nix::sys::termios::OutputFlags::OPOST;
        settings.local_flags = libc_local_flags();
        let characters = [
            (SpecialCharacterIndices::VINTR, 3),
            (SpecialCharacterIndices::VQUIT, 28),
            (SpecialCharacterIndices::VERASE, 127),
            (SpecialCharacterIndices::VKILL, 21),
            (SpecialCharacterIndices::VEOF, 4),
            (SpecialCharacterIndices::VMIN, 1),
            (SpecialCharacterIndices::VTIME, 0),
        ];
        for (index, value) in characters {
            if let Some(slot) = settings.control_chars.get_mut(index as usize) {
                *slot = value;
            }
        }
        tcsetattr(&terminal, SetArg::TCSANOW, &settings)?;
    }
    copy(terminal.as_raw_fd())
}

fn libc_local_flags() -> nix::sys::termios::LocalFlags {
    use nix::sys::termios::LocalFlags as L;
    L::ICANON | L::ISIG | L::IEXTEN | L::ECHO | L::ECHOE | L::ECHOK | L::ECHOCTL | L::ECHOKE
}

/// Missing from libc: hang up everyone else on this terminal.
const TIOCVHANGUP: libc::c_ulong = 0x5437;

fn control(fd: BorrowedFd<'_>, request: libc::c_ulong, argument: i32) -> io::Result<()> {
    // SAFETY: both requests take an integer argument.
    crate::pidfd::cvt(i64::from(unsafe { libc::ioctl(fd.as_raw_fd(), request as _, argument) })).map(drop)
}

fn above_stdio(file: File) -> io::Result<OwnedFd> {
    if file.as_raw_fd() > 2 { Ok(file.into()) } else { copy(file.as_raw_fd()) }
}

/// A CLOEXEC copy above 2.
fn copy(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: makes a new descriptor that nobody else owns, or fails.
    unsafe {
        crate::pidfd::cvt(i64::from(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3))).map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

//! OpenFile=: files and sockets that are opened on a service's behalf (systemd.service(5)).

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use thiserror::Error;
use unit_parser::Unit;
use unit_parser::rows::service;

/// Why the service cannot start: its file is not to be had.
#[derive(Debug, Error)]
#[error("OpenFile={entry}: {error}")]
pub struct OpenFileError {
    entry: String,
    error: io::Error,
}

/// One entry: `PATH[:NAME[:OPTION,...]]`.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    path: &'a Path,
    name: &'a str,
    read_only: bool,
    append: bool,
    truncate: bool,
    graceful: bool,
}

impl<'a> Entry<'a> {
    fn parse(text: &'a str) -> Option<Entry<'a>> {
        let mut parts = text.splitn(3, ':');
        let path = parts.next().map(Path::new).filter(|path| path.is_absolute())?;
        let name = parts.next().filter(|name| !name.is_empty()).or_else(|| path.file_name()?.to_str())?;
        let mut entry = Entry { path, name, read_only: false, append: false, truncate: false, graceful: false };
        for option in parts.next().unwrap_or_default().split(',').filter(|option| !option.is_empty()) {
            let flag = match option {
                "read-only" => &mut entry.read_only,
                "append" => &mut entry.append,
                "truncate" => &mut entry.truncate,
                "graceful" => &mut entry.graceful,
                _ => return None,
            };
            *flag = true;
        }
        let exclusive = [entry.read_only, entry.append, entry.truncate].into_iter().filter(|set| *set).count();
        (exclusive <= 1).then_some(entry)
    }

    fn open(&self) -> io::Result<OwnedFd> {
        if std::fs::metadata(self.path)?.file_type().is_socket() {
            return connect(self.path);
        }
        let mut options = OpenOptions::new();
        options.read(true).append(self.append).write(!self.read_only).truncate(self.truncate);
        // A FIFO without a peer must not hold everything up.
        let file = options.custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits()).open(self.path)?;
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
        Ok(file.into())
    }
}

/// A stream, or whatever kind of socket listens there.
fn connect(path: &Path) -> io::Result<OwnedFd> {
    match UnixStream::connect(path) {
        Err(error) if error.raw_os_error() == Some(nix::Error::EPROTOTYPE as i32) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            Ok(socket.into())
        }
        result => Ok(result?.into()),
    }
}

/// The descriptors with their names, in the order of the directives.
///
/// # Errors
/// When one cannot be opened that is not `graceful`, or an entry makes no sense.
pub fn open_files(unit: &Unit) -> Result<Vec<(String, OwnedFd)>, OpenFileError> {
    let mut files = Vec::new();
    for text in unit.list(service::OPEN_FILE) {
        let failed = |error| OpenFileError { entry: text.clone(), error };
        let entry = Entry::parse(text).ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        match entry.open() {
            Ok(fd) => files.push((entry.name.to_owned(), fd)),
            Err(error) if entry.graceful => tracing::debug!("OpenFile={text}: {error}"),
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn entries() {
        let plain = Entry::parse("/etc/passwd").unwrap();
        assert_eq!((plain.name, plain.read_only, plain.graceful), ("passwd", false, false));
        let full = Entry::parse("/a/b:name:append,graceful").unwrap();
        assert_eq!((full.name, full.append, full.graceful), ("name", true, true));
        for wrong in ["relative", "/a:n:nonsense", "/a:n:append,truncate", "/"] {
            assert_eq!(Entry::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn opened_as_asked() {
        let path = std::env::temp_dir().join(format!("exec-job-open-{}", std::process::id()));
        std::fs::write(&path, "old").unwrap();
        let open = |options: &str| {
            let text = format!("{}:n:{options}", path.display());
            std::fs::File::from(Entry::parse(&text).unwrap().open().unwrap())
        };
        assert!(open("read-only").write_all(b"x").is_err());
        open("append").write_all(b"+new").unwrap();
        let mut content = String::new();
        open("").read_to_string(&mut content).unwrap();
        assert_eq!(content, "old+new");
        drop(open("truncate"));
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        std::fs::remove_file(&path).unwrap();
        assert!(Entry::parse(path.to_str().unwrap()).unwrap().open().is_err());
    }
}

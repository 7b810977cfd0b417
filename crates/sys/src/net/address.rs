//! Socket addresses of every family that a socket unit may name.

use std::ffi::OsString;
use std::fmt;
use std::mem::{offset_of, size_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use nix::errno::Errno;

/// An address of socket(2)'s families.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// AF_INET.
    V4(SocketAddrV4),
    /// AF_INET6.
    V6(SocketAddrV6),
    /// AF_UNIX in the file system.
    Path(PathBuf),
    /// AF_UNIX in the abstract name space, without the leading NUL.
    Abstract(Vec<u8>),
    /// AF_UNIX without a name (most clients).
    Unnamed,
    /// AF_VSOCK.
    Vsock {
        /// Context id; `VMADDR_CID_ANY` is `u32::MAX`.
        cid: u32,
        /// Port.
        port: u32,
    },
    /// AF_NETLINK.
    Netlink {
        /// Bit set of multicast groups.
        groups: u32,
    },
    /// A family that no unit can name; its number.
    Other(i32),
}

/// sun_path's room.
const UNIX_PATH_MAX: usize = size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path);

impl Address {
    /// The address family (`AF_*`).
    pub fn family(&self) -> i32 {
        match self {
            Address::V4(_) => libc::AF_INET,
            Address::V6(_) => libc::AF_INET6,
            Address::Path(_) | Address::Abstract(_) | Address::Unnamed => libc::AF_UNIX,
            Address::Vsock { .. } => libc::AF_VSOCK,
            Address::Netlink { .. } => libc::AF_NETLINK,
            Address::Other(family) => *family,
        }
    }

    /// The kernel's form and its length. ENAMETOOLONG for a path that doesn't fit, EAFNOSUPPORT for [`Address::Other`].
    pub(super) fn to_raw(&self) -> Result<(libc::sockaddr_storage, libc::socklen_t), Errno> {
        let mut bytes = Vec::with_capacity(size_of::<libc::sockaddr_storage>());
        bytes.extend_from_slice(&(self.family() as libc::sa_family_t).to_ne_bytes());
        match self {
            Address::V4(a) => {
                bytes.extend_from_slice(&a.port().to_be_bytes());
                bytes.extend_from_slice(&a.ip().octets());
                bytes.resize(size_of::<libc::sockaddr_in>(), 0);
            }
            Address::V6(a) => {
                bytes.extend_from_slice(&a.port().to_be_bytes());
                bytes.extend_from_slice(&a.flowinfo().to_be_bytes());
                bytes.extend_from_slice(&a.ip().octets());
                bytes.extend_from_slice(&a.scope_id().to_ne_bytes());
            }
            Address::Path(path) => {
                let path = path.as_os_str().as_bytes();
                if path.len() >= UNIX_PATH_MAX {
                    return Err(Errno::ENAMETOOLONG);
                }
                if path.is_empty() || path.contains(&0) {
                    return Err(Errno::EINVAL);
                }
                bytes.extend_from_slice(path);
                bytes.push(0);
            }
            Address::Abstract(name) => {
                if name.len() >= UNIX_PATH_MAX {
                    return Err(Errno::ENAMETOOLONG);
                }
                bytes.push(0);
                bytes.extend_from_slice(name);
            }
            Address::Unnamed => {}
            Address::Vsock { cid, port } => {
                bytes.extend_from_slice(&0u16.to_ne_bytes());
                bytes.extend_from_slice(&port.to_ne_bytes());
                bytes.extend_from_slice(&cid.to_ne_bytes());
                bytes.resize(size_of::<libc::sockaddr_vm>(), 0);
            }
            Address::Netlink { groups } => {
                bytes.extend_from_slice(&0u16.to_ne_bytes());
                bytes.extend_from_slice(&0u32.to_ne_bytes());
                bytes.extend_from_slice(&groups.to_ne_bytes());
            }
            Address::Other(_) => return Err(Errno::EAFNOSUPPORT),
        }
        // SAFETY: sockaddr_storage is plain data for which all zeroes is a value.
        let mut raw: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        // SAFETY: both are valid for bytes.len() bytes, which no family above lets exceed sockaddr_storage.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut raw).cast::<u8>(), bytes.len()) };
        Ok((raw, bytes.len() as libc::socklen_t))
    }

    /// From the kernel's form.
    pub(super) fn from_raw(raw: &libc::sockaddr_storage, len: libc::socklen_t) -> Self {
        let len = (len as usize).min(size_of::<libc::sockaddr_storage>());
        // SAFETY: sockaddr_storage is plain data without invalid bytes; the slice stays inside it.
        let bytes = unsafe { std::slice::from_raw_parts((&raw const *raw).cast::<u8>(), len) };
        let family = i32::from(raw.ss_family);
        parse(family, bytes).unwrap_or(Address::Other(family))
    }
}

/// An internet address in the kernel's form, IPv4 also where it is mapped into IPv6. Takes no memory: for children of vfork.
pub(crate) fn internet(raw: &libc::sockaddr_storage, len: libc::socklen_t) -> Option<SocketAddr> {
    if !matches!(i32::from(raw.ss_family), libc::AF_INET | libc::AF_INET6) {
        return None;
    }
    match Address::from_raw(raw, len) {
        Address::V4(v4) => Some(SocketAddr::V4(v4)),
        Address::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => Some(SocketAddr::V4(SocketAddrV4::new(v4, v6.port()))),
            None => Some(SocketAddr::V6(v6)),
        },
        _ => None,
    }
}

/// `None` if the bytes are too short for the family.
fn parse(family: i32, bytes: &[u8]) -> Option<Address> {
    let two = |at: usize| bytes.get(at..at + 2).and_then(|b| b.try_into().ok());
    let four = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    Some(match family {
        libc::AF_INET => {
            let ip: [u8; 4] = four(4)?;
            Address::V4(SocketAddrV4::new(Ipv4Addr::from(ip), u16::from_be_bytes(two(2)?)))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            let flow = u32::from_be_bytes(four(4)?);
            let scope = u32::from_ne_bytes(four(24)?);
            Address::V6(SocketAddrV6::new(Ipv6Addr::from(ip), u16::from_be_bytes(two(2)?), flow, scope))
        }
        libc::AF_UNIX => match bytes.get(2..)? {
            [] => Address::Unnamed,
            [0, name @ ..] => Address::Abstract(name.to_vec()),
            path => {
                let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
                Address::Path(PathBuf::from(OsString::from_vec(path[..end].to_vec())))
            }
        },
        libc::AF_VSOCK => Address::Vsock { port: u32::from_ne_bytes(four(4)?), cid: u32::from_ne_bytes(four(8)?) },
        libc::AF_NETLINK => Address::Netlink { groups: u32::from_ne_bytes(four(8)?) },
        _ => return None,
    })
}

impl fmt::Display for Address {
    /// As systemd prints addresses: `1.2.3.4:80`, `[::1]:80`, `/run/x`, `@abstract`, `vsock:2:1234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::V4(a) => a.fmt(f),
            Address::V6(a) => a.fmt(f),
            Address::Path(path) => path.display().fmt(f),
            Address::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
            Address::Unnamed => f.write_str("unnamed"),
            Address::Vsock { cid: u32::MAX, port } => write!(f, "vsock::{port}"),
            Address::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
            Address::Netlink { groups } => write!(f, "netlink groups {groups:#x}"),
            Address::Other(family) => write!(f, "address family {family}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernels_form() {
        for address in [
            Address::V4("127.0.0.1:3233".parse().unwrap()),
            Address::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 7)),
            Address::Path("/run/a.sock".into()),
            Address::Abstract(b"name\0with nul".to_vec()),
            Address::Unnamed,
            Address::Vsock { cid: 2, port: 1234 },
            Address::Netlink { groups: 5 },
        ] {
            let (raw, len) = address.to_raw().unwrap();
            assert_eq!(Address::from_raw(&raw, len), address);
        }
    }

    #[test]
    fn a_path_that_does_not_fit_is_refused() {
        let path = Address::Path(format!("/{}", "x".repeat(UNIX_PATH_MAX)).into());
        assert_eq!(path.to_raw().err(), Some(Errno::ENAMETOOLONG));
    }
}

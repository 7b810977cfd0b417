//! sd_notify(3): the text of a datagram, taken apart.

/// The last of `READY=1`, `RELOADING=1`, `STOPPING=1` in a message wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// `READY=1`
    Ready,
    /// `RELOADING=1`
    Reloading,
    /// `STOPPING=1`
    Stopping,
}

/// `WATCHDOG=`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// `WATCHDOG=1`: still alive.
    Alive,
    /// `WATCHDOG=trigger`: act as if it had missed.
    Trigger,
}

/// What a service told. Fields that make no sense are left out and named in `bad`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notification {
    /// `READY=1` and its like.
    pub announced: Option<Announced>,
    /// `READY=1` and `RELOADING=1` in one message: reloaded already.
    pub ready_and_reloading: bool,
    /// `MONOTONIC_USEC=`
    pub monotonic_usec: Option<u64>,
    /// `STATUS=`
    pub status: Option<String>,
    /// `ERRNO=`
    pub errno: Option<i32>,
    /// `BUSERROR=`
    pub bus_error: Option<String>,
    /// `MAINPID=`
    pub main_pid: Option<u32>,
    /// `EXTEND_TIMEOUT_USEC=`
    pub extend_timeout: Option<u64>,
    /// `WATCHDOG=`
    pub watchdog: Option<Ping>,
    /// `WATCHDOG_USEC=`
    pub watchdog_usec: Option<u64>,
    /// `FDSTORE=1`
    pub store: bool,
    /// `FDSTOREREMOVE=1`
    pub store_remove: bool,
    /// `FDNAME=`
    pub fd_name: Option<String>,
    /// `FDPOLL=0`
    pub no_poll: bool,
    /// `BARRIER=1`
    pub barrier: bool,
    /// Lines that could not be read.
    pub bad: Vec<String>,
}

impl Notification {
    /// From the assignments of a datagram, in order.
    pub fn from_fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Notification {
        let mut it = Notification::default();
        let mut ready = false;
        let mut reloading = false;
        for (key, value) in fields {
            let fine = match key {
                "READY" if value == "1" => {
                    it.announced = Some(Announced::Ready);
                    ready = true;
                    true
                }
                "RELOADING" if value == "1" => {
                    it.announced = Some(Announced::Reloading);
                    reloading = true;
                    true
                }
                "STOPPING" if value == "1" => {
                    it.announced = Some(Announced::Stopping);
                    true
                }
                "MONOTONIC_USEC" => number(value, &mut it.monotonic_usec),
                "STATUS" => {
                    it.status = Some(value.chars().take(4096).collect());
                    true
                }
                // Only a number: `ERRNO=` may also carry a name, which nobody sends.
                "ERRNO" => match value.parse::<i32>() {
                    Ok(errno) if (0..4096).contains(&errno) => {
                        it.errno = Some(errno);
                        true
                    }
                    Ok(_) | Err(_) => false,
                },
                "BUSERROR" => {
                    it.bus_error = Some(value.to_owned());
                    true
                }
                "MAINPID" => match value.parse::<u32>() {
                    Ok(pid) if pid > 0 && pid <= i32::MAX as u32 => {
                        it.main_pid = Some(pid);
                        true
                    }
                    Ok(_) | Err(_) => false,
                },
                "EXTEND_TIMEOUT_USEC" => number(value, &mut it.extend_timeout),
                "WATCHDOG" => match value {
                    "1" => {
                        it.watchdog = Some(Ping::Alive);
                        true
                    }
                    "trigger" => {
                        it.watchdog = Some(Ping::Trigger);
                        true
                    }
                    _ => false,
                },
                "WATCHDOG_USEC" => number(value, &mut it.watchdog_usec),
                "FDSTORE" => {
                    it.store = value == "1";
                    true
                }
                "FDSTOREREMOVE" => {
                    it.store_remove = value == "1";
                    true
                }
                "FDNAME" => {
                    let valid =
                        value.len() <= 255 && value.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b':');
                    if valid {
                        it.fd_name = Some(value.to_owned());
                    }
                    valid
                }
                "FDPOLL" => {
                    it.no_poll = value == "0";
                    true
                }
                "BARRIER" => {
                    it.barrier = value == "1";
                    true
                }
                // Fields of others (VSOCK, X_...) are not ours to judge.
                _ => true,
            };
            if !fine {
                it.bad.push(format!("{key}={value}"));
            }
        }
        it.ready_and_reloading = ready && reloading;
        it
    }
}

fn number(text: &str, into: &mut Option<u64>) -> bool {
    match text.parse() {
        Ok(n) => {
            *into = Some(n);
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Notification {
        Notification::from_fields(text.lines().filter_map(|line| line.split_once('=')))
    }

    #[test]
    fn last_announcement_wins() {
        let it = parse("READY=1\nSTATUS=up\nSTOPPING=1");
        assert_eq!(it.announced, Some(Announced::Stopping));
        assert_eq!(it.status.as_deref(), Some("up"));
    }

    #[test]
    fn nonsense_is_named() {
        let it = parse("MAINPID=-3\nERRNO=x\nFDNAME=a:b\nX_OTHER=1\nWATCHDOG=2\nWATCHDOG_USEC=soon");
        assert_eq!(it.bad, ["MAINPID=-3", "ERRNO=x", "FDNAME=a:b", "WATCHDOG=2", "WATCHDOG_USEC=soon"]);
        assert_eq!(Notification { bad: Vec::new(), ..it }, Notification::default());
    }

    #[test]
    fn store() {
        let it = parse("FDSTORE=1\nFDNAME=web\nFDPOLL=0");
        assert!(it.store && it.no_poll);
        assert_eq!(it.fd_name.as_deref(), Some("web"));
    }
}

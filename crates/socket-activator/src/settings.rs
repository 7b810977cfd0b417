//! A loaded `.socket` unit as this daemon uses it: the policy of the state machine, and how its sockets are made.

use std::path::PathBuf;
use std::sync::Arc;

use unit_parser::{ExecCommand, ListenAddress, Unit, UnitType, rows};

use crate::core::Policy;
use crate::core::state::Phase;

/// How sockets are opened: everything that happens before or with bind(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// `Backlog=`
    pub backlog: u32,
    /// `BindIPv6Only=`: `None` leaves the system's default.
    pub ipv6_only: Option<bool>,
    /// `BindToDevice=`
    pub device: Option<String>,
    /// `SocketProtocol=`: `IPPROTO_*`, 0 for the default of the type.
    pub protocol: i32,
    /// `ReusePort=`
    pub reuse_port: bool,
    /// `FreeBind=`
    pub free_bind: bool,
    /// `Transparent=`
    pub transparent: bool,
    /// `SocketMode=`
    pub socket_mode: u32,
    /// `DirectoryMode=`
    pub directory_mode: u32,
    /// `Writable=`
    pub writable: bool,
    /// `PipeSize=`, 0 for the default.
    pub pipe_size: usize,
    /// `MessageQueueMaxMessages=` and `MessageQueueMessageSize=`
    pub message_queue: Option<(i64, i64)>,
    /// `Symlinks=`
    pub symlinks: Vec<String>,
    /// `RemoveOnStop=`
    pub remove_on_stop: bool,
    /// `USBFunctionDescriptors=` and `USBFunctionStrings=` of the service.
    pub usb: Option<UsbFiles>,
}

/// What a USB function is described by before anything listens on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbFiles {
    /// `USBFunctionDescriptors=`
    pub descriptors: PathBuf,
    /// `USBFunctionStrings=`
    pub strings: PathBuf,
}

/// Socket options, set on listening sockets and on accepted connections alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOptions {
    /// `KeepAlive=`
    pub keep_alive: bool,
    /// `KeepAliveTimeSec=`, seconds; 0: not set.
    pub keep_alive_time: u64,
    /// `KeepAliveIntervalSec=`, seconds; 0: not set.
    pub keep_alive_interval: u64,
    /// `KeepAliveProbes=`, 0: not set.
    pub keep_alive_probes: u64,
    /// `DeferAcceptSec=`, seconds; 0: not set.
    pub defer_accept: u64,
    /// `NoDelay=`
    pub no_delay: bool,
    /// `Broadcast=`
    pub broadcast: bool,
    /// `PassCredentials=`
    pub pass_credentials: bool,
    /// `PassSecurity=`
    pub pass_security: bool,
    /// `PassPIDFD=`
    pub pass_pidfd: bool,
    /// `PassPacketInfo=`
    pub pass_packet_info: bool,
    /// `Timestamping=`: `off`, `us`, `ns`.
    pub timestamping: String,
    /// `Priority=`, negative: not set.
    pub priority: i64,
    /// `ReceiveBuffer=`, 0: not set.
    pub receive_buffer: u64,
    /// `SendBuffer=`, 0: not set.
    pub send_buffer: u64,
    /// `Mark=`, negative: not set.
    pub mark: i64,
    /// `IPTOS=`, negative: not set.
    pub tos: i64,
    /// `IPTTL=`, negative: not set.
    pub ttl: i64,
    /// `TCPCongestion=`
    pub congestion: String,
}

/// All that this daemon takes from a `.socket` unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What the state machine decides by.
    pub policy: Arc<Policy>,
    /// Where to listen, in order.
    pub addresses: Vec<ListenAddress>,
    /// How sockets are opened.
    pub open: OpenOptions,
    /// Options of sockets and connections.
    pub socket: SocketOptions,
    /// Name of the descriptors in `LISTEN_FDNAMES`.
    pub descriptor_name: String,
    /// `PassFileDescriptorsToExec=`
    pub pass_to_commands: bool,
    /// `PollLimitIntervalSec=` (µs) and `PollLimitBurst=`, of each socket. Only if set: systemd 252 has no such limit, and
    /// the default of later ones is below their trigger limit.
    pub poll_limit: Option<(u64, u64)>,
    /// `SocketUser=`, or empty.
    pub user: String,
    /// `SocketGroup=`, or empty.
    pub group: String,
}

/// systemd's limits for units that set none (systemd.socket(5), TriggerLimitIntervalSec=).
const TRIGGER_INTERVAL: u64 = 2_000_000;
const TRIGGER_BURST: u64 = 20;
const TRIGGER_BURST_ACCEPT: u64 = 200;
const POLL_BURST: u64 = 15;
const POLL_BURST_ACCEPT: u64 = 150;

impl Settings {
    /// From a loaded unit.
    pub fn from_unit(unit: &Unit) -> Settings {
        use rows::socket as row;
        let user = unit.str(row::SOCKET_USER).to_owned();
        let group = unit.str(row::SOCKET_GROUP).to_owned();
        let name = unit.str(row::FILE_DESCRIPTOR_NAME);
        Settings {
            policy: Arc::new(policy(unit, !user.is_empty() || !group.is_empty())),
            addresses: unit.listen().to_vec(),
            open: open_options(unit),
            socket: socket_options(unit),
            descriptor_name: if name.is_empty() { unit.name.to_string() } else { name.to_owned() },
            pass_to_commands: unit.bool(row::PASS_FILE_DESCRIPTORS_TO_EXEC),
            poll_limit: poll_limit(unit),
            user,
            group,
        }
    }

    /// Whether connections are accepted here. `Accept=` is ignored for datagrams and FIFOs (systemd.socket(5)).
    pub fn accepts(&self) -> bool {
        self.policy.accept
    }
}

/// What is set of the pair; the other half is systemd's default (systemd.socket(5), PollLimitIntervalSec=).
fn poll_limit(unit: &Unit) -> Option<(u64, u64)> {
    use rows::socket as row;
    if !unit.is_set(row::POLL_LIMIT_INTERVAL_SEC) && !unit.is_set(row::POLL_LIMIT_BURST) {
        return None;
    }
    let interval = match unit.usec(row::POLL_LIMIT_INTERVAL_SEC) {
        u64::MAX => TRIGGER_INTERVAL,
        usec => usec,
    };
    let burst = match unit.uint(row::POLL_LIMIT_BURST) {
        n if n < u64::from(u32::MAX) => n,
        _ if unit.bool(row::ACCEPT) => POLL_BURST_ACCEPT,
        _ => POLL_BURST,
    };
    (interval > 0 && burst > 0).then_some((interval, burst))
}

/// The commands of a phase.
pub fn commands(unit: &Unit, phase: Phase) -> &[ExecCommand] {
    use rows::socket as row;
    match phase {
        Phase::StartPre => unit.exec(row::EXEC_START_PRE),
        Phase::StartChown => &[],
        Phase::StartPost => unit.exec(row::EXEC_START_POST),
        Phase::StopPre => unit.exec(row::EXEC_STOP_PRE),
        Phase::StopPost => unit.exec(row::EXEC_STOP_POST),
    }
}

fn policy(unit: &Unit, chown: bool) -> Policy {
    use rows::socket as row;
    let accept = unit.bool(row::ACCEPT);
    let default_burst = if accept { TRIGGER_BURST_ACCEPT } else { TRIGGER_BURST };
    let ignored = |phase| commands(unit, phase).iter().map(|command| command.ignore_failure).collect();
    let kill_signal = signal(unit.int(rows::kill::KILL_SIGNAL), libc::SIGTERM);
    let own = || unit.name.with_type(UnitType::Service).map(|name| name.to_string()).unwrap_or_default();
    Policy {
        unit: unit.name.to_string(),
        accept,
        service: unit.units(row::SERVICE).first().map_or_else(own, ToString::to_string),
        prefix: unit.name.prefix().to_owned(),
        flush_pending: unit.bool(row::FLUSH_PENDING),
        max_connections: unit.uint(row::MAX_CONNECTIONS),
        max_connections_per_source: unit.uint(row::MAX_CONNECTIONS_PER_SOURCE),
        trigger_limit_interval: match unit.usec(row::TRIGGER_LIMIT_INTERVAL_SEC) {
            u64::MAX => TRIGGER_INTERVAL,
            usec => usec,
        },
        trigger_limit_burst: match unit.uint(row::TRIGGER_LIMIT_BURST) {
            n if n >= u64::from(u32::MAX) => default_burst,
            n => n,
        },
        trigger_pause: unit.usec(row::X_TRIGGER_LIMIT_PAUSE_SEC),
        trigger_pause_max: unit.usec(row::X_TRIGGER_LIMIT_PAUSE_MAX_SEC),
        timeout: unit.usec(row::TIMEOUT_SEC),
        chown,
        send_sigkill: unit.bool(rows::kill::SEND_SIGKILL),
        kill_signal,
        restart_kill_signal: match unit.is_set(rows::kill::RESTART_KILL_SIGNAL) {
            true => signal(unit.int(rows::kill::RESTART_KILL_SIGNAL), kill_signal),
            false => kill_signal,
        },
        final_kill_signal: signal(unit.int(rows::kill::FINAL_KILL_SIGNAL), libc::SIGKILL),
        start_pre: ignored(Phase::StartPre),
        start_post: ignored(Phase::StartPost),
        stop_pre: ignored(Phase::StopPre),
        stop_post: ignored(Phase::StopPost),
    }
}

fn signal(number: i64, default: i32) -> i32 {
    i32::try_from(number).ok().filter(|number| *number > 0).unwrap_or(default)
}

fn open_options(unit: &Unit) -> OpenOptions {
    use rows::socket as row;
    let device = unit.str(row::BIND_TO_DEVICE);
    let queue = (unit.int(row::MESSAGE_QUEUE_MAX_MESSAGES), unit.int(row::MESSAGE_QUEUE_MESSAGE_SIZE));
    OpenOptions {
        backlog: u32::try_from(unit.uint(row::BACKLOG)).unwrap_or(u32::MAX),
        ipv6_only: match unit.word(row::BIND_IPV6_ONLY) {
            "both" => Some(false),
            "ipv6-only" => Some(true),
            _ => None,
        },
        device: (!device.is_empty()).then(|| device.to_owned()),
        protocol: match unit.word(row::SOCKET_PROTOCOL) {
            "udplite" | "136" => libc::IPPROTO_UDPLITE,
            "sctp" | "132" => libc::IPPROTO_SCTP,
            "mptcp" | "262" => libc::IPPROTO_MPTCP,
            _ => 0,
        },
        reuse_port: unit.bool(row::REUSE_PORT),
        free_bind: unit.bool(row::FREE_BIND),
        transparent: unit.bool(row::TRANSPARENT),
        socket_mode: mode(unit.uint(row::SOCKET_MODE)),
        directory_mode: mode(unit.uint(row::DIRECTORY_MODE)),
        writable: unit.bool(row::WRITABLE),
        pipe_size: usize::try_from(unit.uint(row::PIPE_SIZE)).unwrap_or(usize::MAX),
        message_queue: (queue.0 > 0 && queue.1 > 0).then_some(queue),
        symlinks: unit.list(row::SYMLINKS).to_vec(),
        remove_on_stop: unit.bool(row::REMOVE_ON_STOP),
        usb: usb_files(unit),
    }
}

/// The service's settings come with the socket's.
fn usb_files(unit: &Unit) -> Option<UsbFiles> {
    use unit_parser::rows::service;
    let path = |row| Some(unit.str(row)).filter(|path| !path.is_empty()).map(PathBuf::from);
    Some(UsbFiles {
        descriptors: path(service::USB_FUNCTION_DESCRIPTORS)?,
        strings: path(service::USB_FUNCTION_STRINGS)?,
    })
}

fn mode(bits: u64) -> u32 {
    u32::try_from(bits & 0o7777).unwrap_or(0)
}

fn socket_options(unit: &Unit) -> SocketOptions {
    use rows::socket as row;
    let seconds = |usec: u64| if usec == u64::MAX { 0 } else { usec / 1_000_000 };
    SocketOptions {
        keep_alive: unit.bool(row::KEEP_ALIVE),
        keep_alive_time: seconds(unit.usec(row::KEEP_ALIVE_TIME_SEC)),
        keep_alive_interval: seconds(unit.usec(row::KEEP_ALIVE_INTERVAL_SEC)),
        keep_alive_probes: unit.uint(row::KEEP_ALIVE_PROBES),
        defer_accept: seconds(unit.usec(row::DEFER_ACCEPT_SEC)),
        no_delay: unit.bool(row::NO_DELAY),
        broadcast: unit.bool(row::BROADCAST),
        pass_credentials: unit.bool(row::PASS_CREDENTIALS),
        pass_security: unit.bool(row::PASS_SECURITY),
        pass_pidfd: unit.bool(row::PASS_PIDFD),
        pass_packet_info: unit.bool(row::PASS_PACKET_INFO),
        timestamping: unit.str(row::TIMESTAMPING).to_owned(),
        priority: unit.int(row::PRIORITY),
        receive_buffer: unit.uint(row::RECEIVE_BUFFER),
        send_buffer: unit.uint(row::SEND_BUFFER),
        mark: unit.int(row::MARK),
        tos: unit.int(row::IP_TOS),
        ttl: unit.int(row::IP_TTL),
        congestion: unit.str(row::TCP_CONGESTION).to_owned(),
    }
}

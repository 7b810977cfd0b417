//! Why an edge is there that no file asks for.

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($name:ident $text:literal)*) => {
        /// The rule behind an implicit or default dependency.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Rule { $(#[doc = $text] $name,)* }

        impl Rule {
            /// One sentence for people.
            pub const fn as_str(self) -> &'static str {
                match self { $(Rule::$name => $text,)* }
            }
        }
    };
}

rules! {
    // Added by the broker, which knows the other unit.
    TargetAfterUnit "a target comes after what it pulls in"
    MountsFor "its paths are on that mount"
    DeviceWants "SYSTEMD_WANTS of a udev rule"
    ConnectionOfSocket "the connection came from that socket"
    // systemd.service(5) and the other pages of unit types, "Implicit Dependencies".
    SliceOfUnit "a unit is in its slice"
    BusOfService "a service of Type=dbus needs the message bus"
    SocketsOfService "a service needs the sockets of Sockets="
    TriggersUnit "it triggers that unit"
    BindToDevice "BindToDevice= needs the network interface"
    MountNeedsDevice "what is mounted is on that device"
    SwapNeedsDevice "the swap space is on that device"
    SwapFileIsWritten "a swap file's file system must be writable"
    LogsToJournal "its output goes to the journal"
    PrivateTmp "PrivateTmp= needs /tmp and /var/tmp"
    WritesBelowVar "its directories below /var must be writable"
    RootImage "RootImage= needs loop devices"
    // The same pages, "Default Dependencies".
    SystemInitialized "units start when the system is initialized"
    BasicSystem "services start after the basic system"
    StopsAtShutdown "units stop at shutdown"
    StopsAtUnmount "mounts end at shutdown"
    MemberOfSockets "sockets belong to sockets.target"
    MemberOfTimers "timers belong to timers.target"
    MemberOfPaths "paths belong to paths.target"
    MemberOfFileSystems "mounts belong to the targets of file systems"
    MemberOfSwap "swaps belong to swap.target"
    CalendarNeedsClock "calendar timers need the clock to be set"
}

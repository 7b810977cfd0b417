//! How it all ends.

/// What happens when all units have stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The launcher exits.
    Exit,
    /// The machine powers off; off a machine (container, other init), the launcher exits.
    PowerOff,
    /// The machine reboots; likewise.
    Reboot,
    /// The machine halts; likewise.
    Halt,
    /// The loaded kernel is started; likewise.
    Kexec,
}

impl End {
    /// From a request's word (`X_QUINTET_REQUEST=`).
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "exit" => Some(End::Exit),
            "poweroff" => Some(End::PowerOff),
            "reboot" => Some(End::Reboot),
            "halt" => Some(End::Halt),
            "kexec" => Some(End::Kexec),
            _ => None,
        }
    }

    /// Which of PID 1's signals asks for it (systemd(1), "Signals"), as an offset from SIGRTMIN.
    pub fn realtime_signal(self) -> i32 {
        match self {
            End::Halt => 3,
            End::Exit | End::PowerOff => 4,
            End::Reboot => 5,
            End::Kexec => 6,
        }
    }

    /// What SIGRTMIN+`offset` asks for.
    pub fn from_realtime_signal(offset: i32) -> Option<Self> {
        match offset {
            3 => Some(End::Halt),
            4 => Some(End::PowerOff),
            5 => Some(End::Reboot),
            6 => Some(End::Kexec),
            _ => None,
        }
    }
}

/// An end, with the exit status to pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndRequest {
    /// Which end.
    pub end: End,
    /// The launcher's exit status, when it exits.
    pub status: u8,
}

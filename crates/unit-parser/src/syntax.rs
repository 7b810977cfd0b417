//! The grammar of unit files (systemd.syntax(7)).

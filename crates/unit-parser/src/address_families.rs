//! The address families of socket(2) that `RestrictAddressFamilies=` knows (systemd.exec(5)), in capitals.

/// Names, and their numbers for the kernel.
const FAMILIES: &[(&str, u32)] = &[
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_AX25", 3),
    ("AF_IPX", 4),
    ("AF_APPLETALK", 5),
    ("AF_NETROM", 6),
    ("AF_BRIDGE", 7),
    ("AF_ATMPVC", 8),
    ("AF_X25", 9),
    ("AF_INET6", 10),
    ("AF_ROSE", 11),
    ("AF_DECNET", 12),
    ("AF_NETBEUI", 13),
    ("AF_SECURITY", 14),
    ("AF_KEY", 15),
    ("AF_NETLINK", 16),
    ("AF_PACKET", 17),
    ("AF_ASH", 18),
    ("AF_ECONET", 19),
    ("AF_ATMSVC", 20),
    ("AF_RDS", 21),
    ("AF_SNA", 22),
    ("AF_IRDA", 23),
    ("AF_PPPOX", 24),
    ("AF_WANPIPE", 25),
    ("AF_LLC", 26),
    ("AF_IB", 27),
    ("AF_MPLS", 28),
    ("AF_CAN", 29),
    ("AF_TIPC", 30),
    ("AF_BLUETOOTH", 31),
    ("AF_IUCV", 32),
    ("AF_RXRPC", 33),
    ("AF_ISDN", 34),
    ("AF_PHONET", 35),
    ("AF_IEEE802154", 36),
    ("AF_CAIF", 37),
    ("AF_ALG", 38),
    ("AF_NFC", 39),
    ("AF_VSOCK", 40),
    ("AF_KCM", 41),
    ("AF_QIPCRTR", 42),
    ("AF_SMC", 43),
    ("AF_XDP", 44),
    ("AF_MCTP", 45),
];

/// The name by which a family is kept; `None` for what is none. Case does not matter, and some have two names.
#[must_use]
pub fn canonical(text: &str) -> Option<&'static str> {
    let name = text.to_ascii_uppercase();
    let name = match name.as_str() {
        "AF_LOCAL" | "AF_FILE" => "AF_UNIX",
        "AF_ROUTE" => "AF_NETLINK",
        other => other,
    };
    FAMILIES.iter().find(|(known, _)| *known == name).map(|(known, _)| *known)
}

/// The number of a family; `None` for what [`canonical`] does not give.
#[must_use]
pub fn number(name: &str) -> Option<u32> {
    FAMILIES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_taken_has_its_number() {
        for (text, name, expected) in [
            ("AF_UNIX", "AF_UNIX", 1),
            ("af_file", "AF_UNIX", 1),
            ("AF_LOCAL", "AF_UNIX", 1),
            ("AF_ROUTE", "AF_NETLINK", 16),
            ("AF_DECnet", "AF_DECNET", 12),
            ("AF_MCTP", "AF_MCTP", 45),
        ] {
            assert_eq!(canonical(text), Some(name), "{text}");
            assert_eq!(number(name), Some(expected), "{name}");
        }
        assert_eq!((canonical("none"), canonical("INET"), number("AF_FILE")), (None, None, None));
    }
}

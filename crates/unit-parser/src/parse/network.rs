//! Networks: `ADDRESS[/BITS]`, or a name (systemd.resource-control(5), `IPAddressAllow=`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks that a word means, as `ADDRESS/BITS` with all further bits 0; `None` if it means none.
pub fn parse(word: &str) -> Option<Vec<String>> {
    let named: &[&str] = match word {
        "any" => &["0.0.0.0/0", "::/0"],
        "localhost" => &["127.0.0.0/8", "::1/128"],
        "link-local" => &["169.254.0.0/16", "fe80::/64"],
        "multicast" => &["224.0.0.0/4", "ff00::/8"],
        _ => return network(word).map(|network| vec![network]),
    };
    Some(named.iter().map(|network| (*network).to_owned()).collect())
}

fn network(text: &str) -> Option<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) => bits.parse::<u32>().ok().filter(|bits| *bits <= all)?,
        None => all,
    };
    let masked: IpAddr = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(all - bits).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(all - bits).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    };
    Some(format!("{masked}/{bits}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn words() {
        for (word, networks) in [
            ("any", Some("0.0.0.0/0 ::/0")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("1.2.3.4", Some("1.2.3.4/32")),
            ("2.3.4.5/0", Some("0.0.0.0/0")),
            ("fe80::1234/10", Some("fe80::/10")),
            ("::ffff:1.2.3.4", Some("::ffff:1.2.3.4/128")),
            ("1.2.3.4/33", None),
            ("300.1.1.1", None),
            ("foo", None),
        ] {
            assert_eq!(super::parse(word).map(|list| list.join(" ")).as_deref(), networks, "{word}");
        }
    }
}

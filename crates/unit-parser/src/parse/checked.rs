//! Texts and words with a grammar of their own: what systemd refuses of them.

use super::path;
use crate::address_families;
use crate::table::Check;

/// The text as it counts; `None` if it is none of the kind.
pub(super) fn checked(check: Check, text: &str) -> Option<String> {
    match check {
        Check::Personality => one_of(PERSONALITIES, text),
        Check::RootHash => root_hash(text),
        Check::RootHashSignature => signature(text),
        Check::LogNamespace => plain(log_namespace(text), text),
        Check::BusName => plain(bus_name(text), text),
        Check::Interface => plain(interface(text), text),
        // `*` is any.
        Check::BoundInterface if text == "*" => Some(String::new()),
        Check::BoundInterface => plain(interface(text), text),
        Check::Timestamping => timestamping(text).map(str::to_owned),
        Check::DescriptorName => plain(descriptor_name(text), text),
        Check::Architecture => one_of(ARCHITECTURES, text),
        Check::JournalField => plain(text.split_once('=').is_some_and(|(name, _)| journal_field(name)), text),
        Check::Controller => one_of(CONTROLLERS, text),
        Check::PortRule => plain(port_rule(text), text),
        Check::Image => plain(image(text), text),
        Check::MountedImage => plain(mounted_image(text), text),
        Check::AddressFamily => address_family(text),
        Check::BpfProgram => bpf_program(text),
        Check::Credential => credential(text),
        Check::CredentialContent => plain(text.split_once(':').is_some_and(|(id, _)| credential_id(id)), text),
    }
}

/// The clock by its short name; a truth value stands for the best of them, or none.
fn timestamping(text: &str) -> Option<&'static str> {
    match text {
        "us" | "usec" | "µs" => Some("us"),
        "ns" | "nsec" => Some("ns"),
        "off" => Some("off"),
        _ => super::number::boolean(text).map(|wanted| if wanted { "ns" } else { "off" }),
    }
}

fn plain(good: bool, text: &str) -> Option<String> {
    good.then(|| text.to_owned())
}

fn one_of(words: &[&str], text: &str) -> Option<String> {
    plain(words.contains(&text), text)
}

/// The machine's own architecture, and the one that its kernel runs besides.
const PERSONALITIES: &[&str] = if cfg!(target_arch = "x86_64") {
    &["x86-64", "x86"]
} else if cfg!(target_arch = "aarch64") {
    &["arm64", "arm"]
} else if cfg!(target_arch = "s390x") {
    &["s390x", "s390"]
} else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
    &["ppc64-le", "ppc-le"]
} else {
    &[]
};

const ARCHITECTURES: &[&str] = &[
    "native",
    "x86",
    "x86-64",
    "x32",
    "arm",
    "arm64",
    "loongarch64",
    "mips",
    "mips64",
    "mips64-n32",
    "mips-le",
    "mips64-le",
    "mips64-le-n32",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64-le",
    "riscv64",
    "s390",
    "s390x",
];

/// The controllers of control groups, in the order in which they are shown (systemd.resource-control(5), `Delegate=`).
pub(super) const CONTROLLERS: &[&str] = &[
    "cpu",
    "cpuacct",
    "cpuset",
    "io",
    "blkio",
    "memory",
    "devices",
    "pids",
    "bpf-firewall",
    "bpf-devices",
    "bpf-foreign",
    "bpf-socket-bind",
    "bpf-restrict-network-interfaces",
];

fn root_hash(text: &str) -> Option<String> {
    let hex = text.len() >= 32 && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.starts_with('/') { Some(text.to_owned()) } else { hex.then(|| text.to_ascii_lowercase()) }
}

fn signature(text: &str) -> Option<String> {
    let base64 = |data: &str| {
        let digits = data.trim_end_matches('=');
        let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        !digits.is_empty()
            && data.len().is_multiple_of(4)
            && data.len() - digits.len() <= 2
            && digits.bytes().all(alphabet)
    };
    plain(text.starts_with('/') || text.strip_prefix("base64:").is_some_and(base64), text)
}

fn log_namespace(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    !text.is_empty() && text.len() <= 230 && text != "." && text != ".." && text.bytes().all(allowed)
}

/// D-Bus specification, "Bus names".
fn bus_name(text: &str) -> bool {
    let (unique, name) = text.strip_prefix(':').map_or((false, text), |rest| (true, rest));
    let element = |element: &str| {
        let starts_well = |first: char| unique || !first.is_ascii_digit();
        element.chars().next().is_some_and(starts_well)
            && element.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    text.len() <= 255 && name.contains('.') && name.split('.').all(element)
}

pub(super) fn interface(text: &str) -> bool {
    let allowed = |byte: u8| byte > b' ' && byte < 127 && !b":/%".contains(&byte);
    (1..=15).contains(&text.len())
        && !matches!(text, "." | ".." | "all" | "default")
        && !text.bytes().all(|byte| byte.is_ascii_digit())
        && text.bytes().all(allowed)
}

fn descriptor_name(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|byte| (b' '..127).contains(&byte) && byte != b':')
}

fn journal_field(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn port_rule(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split(':').collect();
    if matches!(parts.first(), Some(&("ipv4" | "ipv6"))) {
        parts.remove(0);
    }
    if matches!(parts.first(), Some(&("tcp" | "udp"))) {
        parts.remove(0);
    }
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match parts.as_slice() {
        [] => true,
        ["any"] => true,
        [ports] => match ports.split_once('-') {
            Some((low, high)) => port(low).zip(port(high)).is_some_and(|(low, high)| low <= high),
            None => port(ports).is_some(),
        },
        _ => false,
    }
}

fn image(text: &str) -> bool {
    let source = text.strip_prefix('-').unwrap_or(text);
    path::absolute(source.split(':').next().unwrap_or_default()).is_some()
}

fn mounted_image(text: &str) -> bool {
    let target = text.split(':').nth(1).unwrap_or_default();
    image(text) && path::absolute(target).is_some()
}

fn address_family(text: &str) -> Option<String> {
    let known = if text == "none" { Some("none") } else { address_families::canonical(text) };
    known.map(str::to_owned)
}

const BPF_PROGRAMS: &[&str] = &[
    "egress",
    "ingress",
    "sock_create",
    "sock_ops",
    "device",
    "bind4",
    "bind6",
    "connect4",
    "connect6",
    "post_bind4",
    "post_bind6",
    "sendmsg4",
    "sendmsg6",
    "sysctl",
    "recvmsg4",
    "recvmsg6",
    "getsockopt",
    "setsockopt",
];

fn bpf_program(text: &str) -> Option<String> {
    let (kind, file) = text.split_once(':')?;
    let file = path::absolute(file).filter(|_| BPF_PROGRAMS.contains(&kind))?;
    Some(format!("{kind}:{file}"))
}

fn credential_id(text: &str) -> bool {
    !text.is_empty() && !matches!(text, "." | "..") && !text.contains('/') && descriptor_name(text)
}

/// `NAME` alone is looked for under its name.
fn credential(text: &str) -> Option<String> {
    let (id, source) = text.split_once(':').unwrap_or((text, text));
    let good = credential_id(id) && (path::absolute(source).is_some() || credential_id(source));
    good.then(|| format!("{id}:{source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_takes_and_refuses() {
        use Check::*;
        for (check, good, bad) in [
            (RootHash, "/a//b 00112233445566778899aabbccddeeff", "abc 0011 zz112233445566778899aabbccddeeff a/b"),
            (RootHashSignature, "/a base64:AAAA base64:AAA=", "abc base64: base64:!! base64:A==="),
            (LogNamespace, "foo .x a@b", "foo/bar .. a%"),
            (BusName, "a.b org.x.Y-z :1.2 a_b.c", "a bad..name a.1b .a a. a.b/"),
            (Interface, "eth0 a-b", "a/b averyveryverylongname0 all . 12 a:b"),
            (Architecture, "native x86-64", "bogus x86,x86-64"),
            (JournalField, "A=b A1_X=", "a=b A _A=b 1A=b"),
            (PortRule, "any 80 tcp:80 ipv4:tcp:80-90 udp ipv6 ipv6:any", "bogus 0 70000 ipv4:bogus:1 90-80 tcp:"),
            (MountedImage, "/a:/b -/a.raw:/b:root:ro", "/a.raw a:/b /a:b"),
            (Image, "/a -/a:root:ro", "a"),
            (AddressFamily, "AF_INET af_inet none", "INET 2 bogus"),
            (BpfProgram, "egress:/a", "bogus:/x egress:x egress"),
            (Credential, "a:/b a a:b", "/a:/b a: a/b:/c ..:/x"),
            (CredentialContent, "a:b a:", "a a/b:c"),
            (Controller, "cpu", "CPU bogus"),
        ] {
            let refused: Vec<&str> = good.split(' ').filter(|word| checked(check, word).is_none()).collect();
            let taken: Vec<&str> = bad.split(' ').filter(|word| checked(check, word).is_some()).collect();
            assert!(refused.is_empty() && taken.is_empty(), "{check:?}: refuses {refused:?}, takes {taken:?}");
        }
    }
}

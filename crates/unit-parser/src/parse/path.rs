//! Paths: simplified as systemd shows them.

/// The path without doubled slashes, `.` components and a trailing slash. `..` stays.
pub fn simplify(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let joined = parts.join("/");
    if text.starts_with('/') {
        format!("/{joined}")
    } else if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// A valid absolute path, simplified: no control characters, no `..`, not too long.
pub fn absolute(text: &str) -> Option<String> {
    if !text.starts_with('/') || text.len() >= 4096 || text.chars().any(char::is_control) {
        return None;
    }
    let simple = simplify(text);
    (!simple.split('/').any(|p| p == ".." || p.len() > 255)).then_some(simple)
}

/// Whether a mount point belongs to the system as such: it isn't unmounted at shutdown.
pub fn is_extrinsic(place: &str) -> bool {
    let below = |base: &str| place.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    matches!(place, "/" | "/usr" | "/etc") || ["/run/initramfs", "/proc", "/sys", "/dev"].into_iter().any(below)
}

/// A relative path below some directory: no `..`.
pub fn relative(text: &str) -> Option<String> {
    if text.is_empty() || text.starts_with('/') || text.chars().any(char::is_control) {
        return None;
    }
    let simple = simplify(text);
    (simple != "." && !simple.split('/').any(|p| p == "..")).then_some(simple)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simplified() {
        for (text, simple) in [("/", "/"), ("//a/./b//", "/a/b"), ("a//b", "a/b"), ("./", ".")] {
            assert_eq!(simplify(text), simple);
        }
        assert_eq!(absolute("/a/../b"), None);
        assert_eq!(absolute("a"), None);
        assert_eq!(relative("a/b/").as_deref(), Some("a/b"));
        assert_eq!(relative("../b"), None);
    }
}

//! What users get wrong, and what they are told.

use integration_tests::{Place, needs};

#[test]
fn a_bad_line_is_named_and_the_rest_counts() {
    if !needs::root() {
        return;
    }
    let unit = "[Unit]\nDescription=Half right\n[Service]\nExecStart=/bin/sleep 1000\nRestartSec=soon\nNonsense=1\n";
    let place = Place::system().unit("half.service", unit).boot();
    place.systemctl(&["start", "half.service"]).good();
    assert_eq!(place.state("half.service"), "active/running");
    assert_eq!(place.property("half.service", "Description"), "Half right");
    assert_eq!(place.property("half.service", "RestartUSec"), "100ms", "the default");
    let log = place.log();
    let named =
        |line: &str, word: &str| log.lines().any(|l| l.contains(&format!("half.service:{line}")) && l.contains(word));
    assert!(named("5", "soon"), "file, line and value of the bad line:\n{log}");
    assert!(named("6", "Nonsense"), "and of the unknown one");
}

#[test]
fn a_missing_binary_is_203() {
    if !needs::root() {
        return;
    }
    let unit = "[Service]\nExecStart=/nonexistent/program\n";
    let place = Place::system().unit("none.service", unit).boot();
    // Type=simple: the start itself is done before exec, as in systemd.
    place.systemctl(&["start", "none.service"]);
    place.wait_state("none.service", "failed/failed");
    assert_eq!(place.property("none.service", "ExecMainStatus"), "203");
    assert_eq!(place.property("none.service", "Result"), "exit-code");
    assert!(place.systemctl(&["status", "none.service"]).out.contains("203/EXEC"));
}

#[test]
fn an_unknown_unit_gives_systemctls_codes() {
    if !needs::root() {
        return;
    }
    let place = Place::system().boot();
    for (arguments, code, text) in [
        (&["start", "unknown.service"][..], 5, "Unit unknown.service not found."),
        (&["stop", "unknown.service"], 5, "Unit unknown.service not loaded."),
        (&["status", "unknown.service"], 4, "Unit unknown.service could not be found."),
        (&["enable", "unknown.service"], 1, "Unit file unknown.service does not exist."),
        (&["is-active", "unknown.service"], 3, ""),
        (&["cat", "unknown.service"], 1, "No files found for unknown.service."),
    ] {
        let output = place.systemctl(arguments);
        assert_eq!(output.code, code, "{arguments:?}: {}", output.err);
        assert!(output.err.contains(text), "{arguments:?}: {}", output.err);
    }
}

#[test]
fn an_address_in_use_fails_the_socket_with_the_cause() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("one.socket", "[Socket]\nListenStream=3240\n")
        .unit("one.service", "[Service]\nExecStart=/bin/true\n")
        .unit("two.socket", "[Socket]\nListenStream=3240\n")
        .unit("two.service", "[Service]\nExecStart=/bin/true\n")
        .boot();
    place.systemctl(&["start", "one.socket"]).good();
    assert_eq!(place.systemctl(&["start", "two.socket"]).code, 1);
    assert_eq!(place.state("two.socket"), "failed/failed");
    assert_eq!(place.property("two.socket", "Result"), "resources");
    assert_eq!(place.state("one.socket"), "active/listening");
    let why = place.bash("unitctl why two.socket").good();
    assert!(why.contains("in use"), "{why}");
}

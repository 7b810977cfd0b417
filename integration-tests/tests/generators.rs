//! Generators: run before the first units are loaded and with every daemon-reload, while the manager goes on.

use integration_tests::{Place, needs, wait};

const WRITE: &str = r#"
printf '[Unit]\nDescription=%s\n[Service]\nExecStart=/bin/sleep infinity\n' "$SYSTEMD_SCOPE $# $(cat /run/text)" >"$1/made.service"
mkdir -p "$1/multi-user.target.wants" && ln -s ../made.service "$1/multi-user.target.wants/"
printf '[Service]\nEnvironment=FROM=late\n' >"$3/made.service"
"#;
const FAILS: &str = "echo '[Unit]\nDescription=early' >\"$2/early.target\"; exit 3";
/// Goes on when it is told to.
const WAITS: &str = "[ ! -e /run/wait ] || { echo >/run/waits; read line </run/wait; }";

#[test]
fn boot_and_reload() {
    if !needs::root() {
        return;
    }
    let place = Place::system().generator("write", WRITE).generator("fails", FAILS).generator("waits", WAITS).boot();
    place.wait_state("made.service", "active/running");
    assert_eq!(place.property("made.service", "Description"), "system 3");
    assert_eq!(place.property("made.service", "FragmentPath"), "/run/systemd/generator/made.service");
    assert_eq!(place.property("early.target", "FragmentPath"), "/run/systemd/generator.early/early.target");
    wait::equal("fails failed: exit status: 3", || {
        let line = place.log().lines().find_map(|line| Some(line.split_once("system-generators/")?.1.to_owned()));
        line.unwrap_or_default()
    });

    // While they run, clients are answered; what was generated before is gone until then.
    place.bash("echo new >/run/text; mkfifo /run/wait /run/waits; touch /run/systemd/generator/left").good();
    let mut first = place.spawn("systemctl daemon-reload");
    place.bash("timeout 10 cat /run/waits").good();
    assert_eq!(place.state("made.service"), "active/running");
    assert_eq!(place.property("made.service", "Description"), "system 3");
    // This one may have come too late for the generators that run: they run once more.
    let mut second = place.spawn("systemctl daemon-reload");
    wait::equal("2", || place.bash("pgrep -cx systemctl").out);
    assert!(first.try_wait().unwrap().is_none() && second.try_wait().unwrap().is_none());
    place.bash("timeout 10 sh -c 'echo >/run/wait; cat /run/waits; echo >/run/wait'").good();
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_eq!(place.property("made.service", "Description"), "system 3 new");
    assert_eq!(place.state("made.service"), "active/running");
    place.bash("[ ! -e /run/systemd/generator/left ]").good();

    // Masked by one of the same name that comes first on the path.
    place.bash("rm /run/wait; rm /run/systemd/system-generators/write; ln -s /dev/null /run/systemd/system-generators/write").good();
    place.systemctl(&["daemon-reload"]).good();
    place.bash("[ ! -e /run/systemd/generator ]").good();
}

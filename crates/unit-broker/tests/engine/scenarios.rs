//! Every file of `scenarios/engine/` is played: units first, then events (`> ...`), each followed by what the engine
//! does. `UPDATE_SCENARIOS=1` writes down what it does now, to be read before it is committed.

use std::path::{Path, PathBuf};

use crate::player::Player;
use crate::world::Files;

struct Scenario {
    head: Vec<String>,
    files: Files,
    script: Vec<String>,
    text: String,
}

fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).unwrap();
    let mut scenario = Scenario { head: Vec::new(), files: Files::default(), script: Vec::new(), text: text.clone() };
    let mut unit: Option<String> = None;
    for line in text.lines() {
        if let Some(event) = line.strip_prefix("> ") {
            scenario.script.push(event.to_owned());
            continue;
        }
        if !scenario.script.is_empty() {
            continue;
        }
        scenario.head.push(line.to_owned());
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            scenario.files.texts.insert(name.to_owned(), String::new());
            unit = Some(name.to_owned());
        } else if let Some(text) = unit.as_ref().and_then(|unit| scenario.files.texts.get_mut(unit))
            && !line.is_empty()
            && !line.starts_with('#')
        {
            text.push_str(line);
            text.push('\n');
        }
    }
    scenario
}

fn play(scenario: &Scenario) -> String {
    let mut player = Player::new(scenario.files.clone());
    let mut lines = scenario.head.clone();
    for event in &scenario.script {
        lines.push(format!("> {event}"));
        player.play(event);
        lines.extend(player.out.drain(..).map(|line| format!("  {line}")));
    }
    lines.join("\n") + "\n"
}

#[test]
fn all() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/engine");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = Vec::new();
    for path in paths {
        let scenario = read(&path);
        let played = play(&scenario);
        if played == scenario.text {
            continue;
        }
        if std::env::var_os("UPDATE_SCENARIOS").is_some() {
            std::fs::write(&path, played).unwrap();
            continue;
        }
        let differs = played.lines().zip(scenario.text.lines()).position(|(a, b)| a != b);
        wrong.push(format!("{} from line {}:\n{played}", path.display(), differs.unwrap_or_default() + 1));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

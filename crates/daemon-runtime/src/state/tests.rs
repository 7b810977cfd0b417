use std::collections::HashMap;
use std::path::Path;

use super::*;

/// A directory that ends with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("quintet-state-{name}-{}", std::process::id())))
    }

    fn open(&self) -> StateDir {
        StateDir::open(self.0.clone()).expect("state")
    }

    fn log(&self) -> PathBuf {
        self.0.join("state.log")
    }

    fn size(&self) -> u64 {
        std::fs::metadata(self.log()).expect("log").len()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("log");
    io::Write::write_all(&mut file, bytes).expect("append");
}

#[test]
fn what_is_saved_comes_back_and_what_has_not_changed_is_not_written() {
    let scratch = Scratch::new("back");
    let state = scratch.open();
    let long = "x".repeat(255);
    for key in ["a.service", "b@\\x2f.service", "/sys/a\nb\"", long.as_str()] {
        assert!(state.save(key, &key.len()));
    }
    let size = scratch.size();
    assert!(state.save("a.service", &9));
    assert_eq!(scratch.size(), size);
    assert!(state.save("a.service", &10) && state.save(&long, &11));
    state.remove("b@\\x2f.service");
    state.remove("never there");
    let state = scratch.open();
    let expected = [("/sys/a\nb\"".to_owned(), 9), ("a.service".to_owned(), 10), (long.clone(), 11)];
    assert_eq!(state.load_all::<usize>(), expected);
    assert_eq!(state.load::<usize>(&long), Some(11));
    assert_eq!(state.load::<usize>("b@\\x2f.service"), None);
    // A removed key can come back.
    assert!(state.save("b@\\x2f.service", &14));
    assert_eq!(scratch.open().load::<usize>("b@\\x2f.service"), Some(14));
}

#[test]
fn an_unfinished_write_does_not_count_and_damage_is_set_aside() {
    let scratch = Scratch::new("damage");
    let state = scratch.open();
    assert!(state.save("a", &1) && state.save("b", &"text"));
    append(&scratch.log(), b"no JSON\n{\"key\":\"c\",\"value\":3}\n{\"key\":\"a\",\"va");
    let state = scratch.open();
    assert_eq!(state.load::<usize>("a"), Some(1));
    // What is there but of another type is set aside too.
    assert_eq!(state.load_all::<usize>(), [("a".to_owned(), 1), ("c".to_owned(), 3)]);
    let bad = std::fs::read_to_string(scratch.0.join("state.bad")).expect("bad lines");
    assert_eq!(bad, "no JSON\n{\"key\":\"b\",\"value\":\"text\"}\n");
    // The next write goes where the unfinished one was.
    assert!(state.save("a", &2));
    assert_eq!(scratch.open().load_all::<usize>(), [("a".to_owned(), 2), ("c".to_owned(), 3)]);
}

#[test]
fn every_prefix_of_the_log_is_a_state_that_was() {
    let scratch = Scratch::new("prefix");
    let state = scratch.open();
    let mut states = vec![HashMap::new()];
    for step in 0..30_usize {
        let mut now: HashMap<String, usize> = states.last().cloned().unwrap_or_default();
        let key = format!("k{}", step * 7 % 5);
        if step % 4 == 3 {
            state.remove(&key);
            now.remove(&key);
        } else {
            assert!(state.save(&key, &step));
            now.insert(key, step);
        }
        states.push(now);
    }
    let whole = std::fs::read(scratch.log()).expect("log");
    for length in 0..=whole.len() {
        std::fs::write(scratch.log(), &whole[..length]).expect("cut");
        let read: HashMap<String, usize> = scratch.open().load_all().into_iter().collect();
        assert!(states.contains(&read), "{length}: {read:?}");
    }
}

#[test]
fn the_log_is_written_anew_when_it_is_mostly_out_of_date() {
    let scratch = Scratch::new("anew");
    let state = scratch.open();
    let text = "x".repeat(1000);
    assert!(state.save("stays", &text));
    for step in 0..3000 {
        assert!(state.save(&format!("k{}", step % 3), &(step, &text)));
    }
    state.remove("k0");
    assert!(scratch.size() < 600_000, "{}", scratch.size());
    let state = scratch.open();
    let expected: Vec<(String, (usize, String))> =
        vec![("k1".into(), (2998, text.clone())), ("k2".into(), (2999, text.clone()))];
    assert_eq!(state.load::<String>("stays"), Some(text));
    state.remove("stays");
    assert_eq!(state.load_all::<(usize, String)>(), expected);
}

#[test]
fn a_directory_that_is_gone_is_survived() {
    let scratch = Scratch::new("gone");
    let state = scratch.open();
    assert!(state.save("a", &1));
    std::fs::remove_dir_all(&scratch.0).expect("remove");
    assert!(!state.save("b", &2));
    // It comes back: so does what was saved before.
    std::fs::create_dir(&scratch.0).expect("create");
    assert!(state.save("b", &2));
    assert_eq!(scratch.open().load_all::<i32>(), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
}

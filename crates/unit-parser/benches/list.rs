//! `list-unit-files` of 20,000 unit files, the install state of each among it.

use std::fs;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use unit_parser::install::{InstallPaths, Installer};
use unit_parser::{Host, LoadPath, Mode};

const UNITS: usize = 20_000;

fn list(c: &mut Criterion) {
    let root = std::env::temp_dir().join(format!("bench-list-{}", std::process::id()));
    let units = root.join("usr/lib/systemd/system");
    fs::create_dir_all(&units).expect("a directory");
    for n in 0..UNITS {
        let text = format!(
            "[Unit]\nDescription=unit {n}\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
        );
        fs::write(units.join(format!("bench-{n}.service")), text).expect("a unit file");
    }
    let none = |_: &str| None;
    let path = LoadPath::system();
    let paths = InstallPaths::new(Mode::System, &path, Some(&root), &none);
    let installer = Installer::new(paths, Host::default());
    assert!(installer.list().len() >= UNITS);
    c.bench_function("list 20000 unit files", |b| b.iter(|| black_box(installer.list().len())));
    fs::remove_dir_all(&root).expect("the directory");
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = list }
criterion_main!(benches);

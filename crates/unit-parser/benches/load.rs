//! Loading all units of a tree: cold, and again after one file was touched. `cargo bench -p unit-parser`.

#[path = "../tests/tree/mod.rs"]
mod tree;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tree::Tree;
use unit_parser::{Loader, Unit};

fn load_all(loader: &Loader) -> Vec<Unit> {
    loader.names().iter().map(|name| loader.load(name)).collect()
}

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).measurement_time(Duration::from_secs(15));
    for count in [1_000, 5_000, 20_000] {
        let tree = Tree::new(count);
        group.bench_function(BenchmarkId::new("cold", count), |bencher| {
            bencher.iter(|| black_box(load_all(&tree.loader())));
        });
        let mut loader = tree.loader();
        let units = load_all(&loader);
        group.bench_function(BenchmarkId::new("one file touched", count), |bencher| {
            bencher.iter(|| {
                let fragment = units[count / 2].fragment.as_ref().unwrap();
                let text = std::fs::read(fragment).unwrap();
                std::fs::write(fragment, text).unwrap();
                loader.refresh();
                let changed: Vec<Unit> =
                    units.iter().filter(|unit| loader.needs_reload(unit)).map(|unit| loader.load(&unit.name)).collect();
                assert_eq!(changed.len(), 1);
                black_box(changed)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, load);
criterion_main!(benches);

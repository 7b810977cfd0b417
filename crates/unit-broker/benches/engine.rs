//! The engine alone: loading, one transaction over everything, running it, daemon-reload. `cargo bench -p unit-broker`.
//!
//! Each size is measured so that what isn't linear shows.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use unit_broker::core::{
    Action, ActiveState, Cause, Engine, Event, Invocation, JobRequest, JobType, Options, Status, StatusFlags, Tested,
    Time, Worker, World,
};
use unit_parser::{Condition, DependencyKind, Edge, LoadState, Origin, Source, Unit, UnitName};

const NOW: Time = Time { monotonic_usec: 1_000_000, realtime_usec: 1_700_000_000_000_000 };
/// How many units a transaction has.
const SIZES: [usize; 3] = [1_000, 5_000, 20_000];

/// Services in a graph without cycles: each requires, wants and is ordered after earlier ones; a target wants all.
#[derive(Clone)]
struct Files {
    units: HashMap<UnitName, (Unit, Vec<Edge>)>,
    counter: u128,
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).unwrap()
}

impl Files {
    fn new(count: usize) -> Files {
        let service = |number: usize| name(&format!("unit-{number}.service"));
        let mut random = 1u64;
        let mut next = move |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % below.max(1)
        };
        let mut units = HashMap::new();
        let mut add = |name: UnitName, edges: Vec<(DependencyKind, UnitName)>| {
            let mut unit = Unit::new(name.clone());
            unit.load_state = LoadState::Loaded;
            unit.fragment = Some(format!("/etc/systemd/system/{name}").into());
            let source = |line| Source::File(Origin { file: 0, line });
            let edges =
                (1..).zip(edges).map(|(line, (kind, other))| Edge { kind, other, source: source(line) }).collect();
            units.insert(name, (unit, edges));
        };
        use DependencyKind::{After, Conflicts, Requires, Wants};
        for number in 0..count {
            let mut edges = vec![(Conflicts, name("shutdown.target"))];
            let (one, other) = (service(next(number)), service(next(number)));
            if number > 0 {
                edges.extend([(Requires, one.clone()), (After, one), (Wants, other.clone()), (After, other)]);
            }
            add(service(number), edges);
        }
        add(name("all.target"), (0..count).map(|number| (Wants, service(number))).collect());
        add(name("shutdown.target"), Vec::new());
        Files { units, counter: 0 }
    }
}

impl World for Files {
    fn load(&mut self, name: &UnitName) -> Unit {
        self.units.get(name).map_or_else(
            || {
                let mut unit = Unit::new(name.clone());
                unit.load_state = LoadState::NotFound;
                unit
            },
            |(unit, _)| unit.clone(),
        )
    }

    fn dependencies(&mut self, unit: &Unit) -> Vec<Edge> {
        self.units.get(&unit.name).map(|(_, edges)| edges.clone()).unwrap_or_default()
    }

    fn refresh(&mut self) {}

    fn is_current(&mut self, _unit: &Unit) -> bool {
        // The worst case: every file was changed.
        false
    }

    fn test(&mut self, _unit: &Unit, _condition: &Condition) -> Tested {
        Tested::Met
    }

    fn random_id(&mut self) -> Invocation {
        self.counter += 1;
        self.counter.to_be_bytes()
    }
}

fn started(count: usize) -> (Engine, Files) {
    let mut files = Files::new(count);
    let mut engine = Engine::new(Options::default(), NOW, &mut files);
    for worker in [Worker::Supervisor, Worker::Activator, Worker::Watcher] {
        engine.handle(NOW, Event::WorkerBack(worker), &mut files).unwrap();
    }
    engine.handle(NOW, Event::Load(name("all.target")), &mut files).unwrap();
    engine.drain();
    (engine, files)
}

fn request() -> Event {
    let cause = Cause::Client { client: 1, text: "systemctl start all.target".to_owned() };
    Event::Enqueue(JobRequest::manual(name("all.target"), JobType::Start, cause))
}

/// The supervisor answers everything it is told at once.
fn run(engine: &mut Engine, files: &mut Files) {
    loop {
        let mut told = false;
        for action in engine.drain() {
            let Action::Start(worker, unit, command) = action else { continue };
            told = true;
            let status = Status {
                worker,
                unit,
                active: ActiveState::Active,
                sub: "running".to_owned(),
                result: "success".to_owned(),
                flags: StatusFlags::default(),
                cause: "started".to_owned(),
                invocation: Some(command.invocation),
                exit: None,
                changed_at: None,
            };
            engine.handle(NOW, Event::Status(status), files).unwrap();
        }
        if !told {
            break;
        }
    }
    assert_eq!(engine.job_count(), 0);
}

fn engine(criterion: &mut Criterion) {
    for count in SIZES {
        let mut group = criterion.benchmark_group("engine");
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("load", count), |bencher| {
            bencher.iter_batched(|| (), |()| black_box(started(count)), BatchSize::PerIteration);
        });
        let (loaded, files) = started(count);
        group.bench_function(BenchmarkId::new("transaction", count), |bencher| {
            bencher.iter_batched(
                || (loaded.clone(), files.clone()),
                |(mut engine, mut files)| {
                    engine.handle(NOW, request(), &mut files).unwrap();
                    assert_eq!(engine.job_count(), count + 1);
                    (engine, files)
                },
                BatchSize::PerIteration,
            );
        });
        let mut queued = (loaded.clone(), files.clone());
        queued.0.handle(NOW, request(), &mut queued.1).unwrap();
        group.bench_function(BenchmarkId::new("run", count), |bencher| {
            bencher.iter_batched(
                || queued.clone(),
                |(mut engine, mut files)| {
                    run(&mut engine, &mut files);
                    (engine, files)
                },
                BatchSize::PerIteration,
            );
        });
        group.bench_function(BenchmarkId::new("reload", count), |bencher| {
            bencher.iter_batched(
                || (loaded.clone(), files.clone()),
                |(mut engine, mut files)| {
                    engine.handle(NOW, Event::Reload, &mut files).unwrap();
                    black_box(engine.drain());
                    (engine, files)
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);

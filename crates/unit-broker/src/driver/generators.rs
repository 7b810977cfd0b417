//! Generators (systemd.generator(7)) run before units are loaded: at boot, and with every daemon-reload.
//!
//! The loop goes on while they run. Boot and reloads wait for them; a reload that is asked for meanwhile has them run
//! once more, since what they read may have changed after they read it.

use std::process::ExitStatus;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use unit_parser::generators::{Generators, TIMEOUT};

use super::{Broker, now};
use crate::core::Cause;
use crate::face::call::Call;

/// What waits for the generators.
#[derive(Debug)]
pub enum Purpose {
    /// The first units of this boot.
    Boot,
    /// daemon-reload, and who is to be told that it is done.
    Reload(Cause, Option<Box<Call>>),
}

/// The generators of this manager, and what is under way.
#[derive(Debug, Default)]
pub struct Generation {
    /// `None`: nothing of theirs would be read, or it is another manager's.
    generators: Option<Generators>,
    running: Option<JoinHandle<()>>,
    /// What the running ones were started for.
    current: Vec<Purpose>,
    /// What came since.
    next: Vec<Purpose>,
}

impl Generation {
    /// Without generators nothing is run, and nobody's directories are touched.
    #[must_use]
    pub fn new(generators: Option<Generators>) -> Self {
        Self { generators, ..Self::default() }
    }

    /// Waits until the running ones have ended; for ever if none run.
    pub async fn finished(&mut self) {
        match &mut self.running {
            Some(running) => {
                if let Err(error) = running.await {
                    tracing::error!(%error, "generators");
                }
                self.running = None;
            }
            None => std::future::pending().await,
        }
    }
}

impl Broker {
    /// Runs the generators, and then does what this is for: at once if there are none.
    pub(super) fn generate(&mut self, purpose: Purpose) {
        self.generation.next.push(purpose);
        if self.generation.running.is_none() {
            self.generate_next();
        }
    }

    /// The generators have ended.
    pub(super) fn on_generated(&mut self) {
        if let Some(generators) = &self.generation.generators {
            generators.trim();
        }
        self.model.facts.saved.generators_finish = now();
        for purpose in std::mem::take(&mut self.generation.current) {
            self.generated(purpose);
        }
        if !self.generation.next.is_empty() {
            self.generate_next();
        }
    }

    fn generate_next(&mut self) {
        self.generation.current = std::mem::take(&mut self.generation.next);
        self.model.facts.saved.generators_start = now();
        let programs = match &self.generation.generators {
            None => Vec::new(),
            Some(generators) => match generators.prepare() {
                Ok(()) => generators.found(),
                Err(error) => {
                    tracing::error!(%error, "generators are not run");
                    Vec::new()
                }
            },
        };
        let Some(generators) = self.generation.generators.clone().filter(|_| !programs.is_empty()) else {
            return self.on_generated();
        };
        let environment = self.model.facts.environment.list();
        let commands = programs.into_iter().map(|path| {
            let command = tokio::process::Command::from(generators.command(&path, &environment));
            (path.display().to_string(), command)
        });
        self.generation.running = Some(tokio::task::spawn_local(run(commands.collect())));
    }

    fn generated(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Boot => self.boot(),
            Purpose::Reload(cause, call) => {
                let result = self.reload_units(&cause);
                match call {
                    Some(call) => self.answer_call(&call, result.and_then(|()| call.reply(&()))),
                    None => {
                        if let Err(error) = result {
                            tracing::error!(%error, "reload");
                        }
                        self.settle();
                    }
                }
            }
        }
    }
}

/// All of them at the same time.
async fn run(commands: Vec<(String, tokio::process::Command)>) {
    let mut running = JoinSet::new();
    for (path, mut command) in commands {
        match command.kill_on_drop(true).spawn() {
            Ok(mut child) => {
                running.spawn_local(async move {
                    match child.wait().await {
                        Ok(status) => report(&path, status),
                        Err(error) => tracing::error!("{path}: {error}"),
                    }
                });
            }
            Err(error) => tracing::error!("{path} could not be started: {error}"),
        }
    }
    let all = async { while running.join_next().await.is_some() {} };
    if timeout(TIMEOUT, all).await.is_err() {
        tracing::error!("generators still run after {} s: they are killed", TIMEOUT.as_secs());
    }
}

fn report(path: &str, status: ExitStatus) {
    if status.success() {
        tracing::debug!("{path} succeeded");
    } else {
        tracing::error!("{path} failed: {status}");
    }
}

//! The real launcher with play-act daemons: copies of this program beside it, which do what they are told on their sockets.
//! Every case has a runtime directory of its own, and a control group when that is possible.

mod cases;
mod daemon;
mod instance;

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::args().next().unwrap_or_default();
    match name.rsplit('/').next().unwrap_or_default() {
        "process-executor" => sys::executor::main(),
        daemon @ ("device-watcher" | "socket-activator" | "process-supervisor" | "unit-broker") => daemon::play(daemon),
        _ => run_cases(&std::env::args().nth(1).unwrap_or_default()),
    }
}

fn run_cases(filter: &str) -> ExitCode {
    let mut failed = 0;
    for (name, case) in cases::TABLE.into_iter().filter(|(name, _)| name.contains(filter.trim_start_matches('-'))) {
        let instance = instance::Instance::start();
        // A panic in a case is its failure; the instance is ended in any case.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&instance)));
        match result {
            Ok(()) => println!("ok   {name}"),
            Err(_) => {
                failed += 1;
                println!("FAIL {name}\n{}", instance.log());
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Real processes through spawn and executor. This program is its own executor: called with a number it becomes the job.
//! Cases that need root or cgroups say so when they are left out.

mod cases;
mod harness;
mod processes;

use std::process::ExitCode;
use sys::spawn::Method;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument.parse::<i32>().is_ok() {
        return sys::executor::main();
    }
    let filter = argument.trim_start_matches('-').to_owned();
    let root = nix::unistd::geteuid().is_root();
    let (mut passed, mut failed, mut left_out, mut directly) = (0, 0, 0, 0);
    let mut report = |name: &str, result: Result<(), String>| match result {
        Ok(()) => {
            passed += 1;
            println!("ok   {name}");
        }
        Err(text) => {
            failed += 1;
            println!("FAIL {name}\n{text}");
        }
    };
    for case in cases::table().into_iter().filter(|case| case.name.contains(&filter)) {
        if case.root && !root {
            println!("left out, needs root: {}", case.name);
            left_out += 1;
            continue;
        }
        for method in [Method::Direct, Method::Clone3, Method::Fork] {
            match harness::check(&case, method) {
                None => continue,
                Some(result) => report(&format!("{} ({method:?})", case.name), result),
            }
            directly += usize::from(method == Method::Direct);
        }
    }
    if filter.is_empty() {
        // Those that need no executor: the comparison of both ways must not become empty.
        report("jobs without an executor", if directly >= 24 { Ok(()) } else { Err(format!("  only {directly}")) });
    }
    for (name, test) in processes::TABLE.into_iter().filter(|(name, _)| name.contains(&filter)) {
        report(name, test());
    }
    println!("{passed} passed, {failed} failed, {left_out} left out");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Torture: a worker process commits blocks and pool writes as fast as it can and says what it was told is durable; this process kills it at
//! random moments, lets its writes fail, or lets the disk run full, and looks at what is left. After each time the database must be sound
//! (`db verify`) and exactly the last state that was acknowledged, or the one whose acknowledgement was under way.
//!
//! `cargo test` runs a short version. `npm run torture -- database [KILLS]` runs all of it. The seed (`ZKEVM_SEED`) decides blocks and
//! moments.

mod check;
#[path = "../common/mod.rs"]
mod common;
mod plan;
mod random;
mod scenarios;
mod subject;
mod worker;

use std::process::ExitCode;
use std::time::Instant;

use scenarios::{Amount, Outcome};

/// Kills of the full run.
const KILLS: u64 = 300;
/// Seed of the short version: it does the same each time.
const SHORT_SEED: u64 = 7;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("worker") => return worker::run(&args[1..]),
        Some("small-disk") => return scenarios::inside_small_disk(&args[1..]),
        _ => {}
    }
    // The arguments of `cargo test`: a filter by name may be about other tests.
    let is_full = args.iter().any(|arg| arg == "--full");
    if !is_full && args.iter().any(|arg| !arg.starts_with('-') && !"torture".contains(arg.as_str())) {
        println!("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out");
        return ExitCode::SUCCESS;
    }
    let kills = value_of(&args, "--kills").unwrap_or(KILLS);
    let amount = if is_full { Amount::full(kills) } else { Amount::SHORT };
    let from_env = std::env::var("ZKEVM_SEED").ok().and_then(|text| text.parse().ok());
    let default = if is_full { random::fresh_seed() } else { SHORT_SEED };
    let seed = value_of(&args, "--seed").or(from_env).unwrap_or(default);
    println!("torture: seed {seed} (ZKEVM_SEED={seed} replays)");
    run(seed, &amount)
}

fn value_of(args: &[String], name: &str) -> Option<u64> {
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1)?.parse().ok()
}

fn run(seed: u64, amount: &Amount) -> ExitCode {
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for (name, scenario) in scenarios::ALL {
        let started = Instant::now();
        let outcome = scenario(seed, amount);
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Outcome::Passed(facts) => {
                passed += 1;
                println!("test {name} ... ok ({seconds:.1} s): {facts}");
            }
            Outcome::Failed(reason) => {
                failed += 1;
                println!("test {name} ... FAILED ({seconds:.1} s), seed {seed}: {reason}");
            }
            Outcome::Skipped(reason) => {
                ignored += 1;
                println!("!!!! test {name} ... SKIPPED: {reason} !!!!");
            }
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

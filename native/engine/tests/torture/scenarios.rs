//! What is done to the database.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use zkevm_state_db::failpoint::Failure;

use crate::random::Random;
use crate::subject::{Subject, Tried};

/// A database is left alone after so many kills: checks of a long chain take long.
const KILLS_OF_DATABASE: u64 = 30;
/// Codes of a write that fails.
const WRITE_CODES: [&str; 2] = ["STATE_DB_IO", "STATE_DB_POISONED"];
/// Codes of a database that cannot be opened because the disk does not take more.
const OPEN_CODES: [&str; 2] = ["STATE_DB_IO", "DATA_DIR_UNWRITABLE"];
/// Size of the disk that runs full.
const DISK_MIB: u64 = 64;

/// How much of each.
pub(crate) struct Amount {
    kills: u64,
    failing_writes: u64,
    limited_files: u64,
    full_disks: u64,
    /// Where databases go; the system's temporary folder where none.
    root: Option<&'static str>,
}

impl Amount {
    /// Within some seconds, in memory where there is a file system for that.
    pub(crate) const SHORT: Self =
        Self { kills: 8, failing_writes: 3, limited_files: 1, full_disks: 1, root: Some("/dev/shm") };

    pub(crate) const fn full(kills: u64) -> Self {
        Self { kills, failing_writes: 40, limited_files: 20, full_disks: 12, root: None }
    }

    fn root(&self) -> Option<&'static str> {
        self.root.filter(|root| Path::new(root).is_dir())
    }
}

/// What came of a scenario.
pub(crate) enum Outcome {
    Passed(String),
    Failed(String),
    Skipped(String),
}

impl From<Tried<String>> for Outcome {
    fn from(tried: Tried<String>) -> Self {
        match tried {
            Ok(facts) => Self::Passed(facts),
            Err(reason) => Self::Failed(reason),
        }
    }
}

type Scenario = fn(u64, &Amount) -> Outcome;

pub(crate) const ALL: [(&str, Scenario); 4] = [
    ("torture::kill_at_any_moment", |seed, amount| kills(seed, amount).into()),
    ("torture::the_nth_write_fails", |seed, amount| failing_writes(seed, amount).into()),
    ("torture::files_cannot_grow", |seed, amount| limited_files(seed, amount).into()),
    ("torture::the_disk_is_full", full_disk),
];

/// Each database in turn keeps all states, three, or one; syncs or does not.
fn subject(seed: u64, number: u64, amount: &Amount) -> Subject {
    let history = [None, Some(3), Some(0)][(number % 3) as usize];
    Subject::new(seed.wrapping_add(number), history, !number.is_multiple_of(2), amount.root())
}

fn kills(seed: u64, amount: &Amount) -> Tried<String> {
    let mut random = Random::new(seed, 1);
    let (mut blocks, mut ahead) = (0, 0);
    let mut current = subject(seed, 0, amount);
    for round in 0..amount.kills {
        if round > 0 && round.is_multiple_of(KILLS_OF_DATABASE.min(amount.kills / 2)) {
            blocks += current.acknowledged.block;
            current = subject(seed, round, amount);
        }
        let context = |reason: String| format!("kill {round}: {reason}");
        let mut running = current.start(None, None);
        if random.below(5) == 0 {
            // While it starts: also while it creates or recovers the database.
            std::thread::sleep(Duration::from_micros(random.below(200_000)));
        } else {
            let gap = running.hear_blocks(&mut current, 1 + random.below(6)).map_err(context)?;
            std::thread::sleep(Duration::from_micros(random.below(2 * gap.as_micros() as u64 + 1)));
        }
        running.kill(&mut current).map_err(context)?;
        let acknowledged = current.acknowledged.block;
        current.check().map_err(context)?;
        ahead += current.acknowledged.block - acknowledged;
    }
    blocks += current.acknowledged.block;
    Ok(format!("{} kills, {blocks} blocks, {ahead} times the commit was ahead of its acknowledgement", amount.kills))
}

/// What a worker says after a failed write, and what that must be.
fn check_failure(failure: &[String]) -> Tried {
    let code = |at: usize, word: &str| {
        let line = failure.get(at).and_then(|line| line.strip_prefix(word)).unwrap_or_default();
        line.split(' ').next().unwrap_or_default().to_owned()
    };
    if failure.first().is_some_and(|line| line.starts_with("unopened ")) {
        let code = code(0, "unopened ");
        return if OPEN_CODES.contains(&code.as_str()) { Ok(()) } else { Err(format!("{failure:?}")) };
    }
    if !WRITE_CODES.contains(&code(0, "failed ").as_str()) {
        return Err(format!("a failed write says {failure:?}"));
    }
    if code(1, "refused ") != "STATE_DB_POISONED" {
        return Err(format!("after a failed write further ones are not refused: {failure:?}"));
    }
    if !failure.get(2).is_some_and(|line| line.starts_with("read ")) {
        return Err(format!("after a failed write nothing can be read: {failure:?}"));
    }
    Ok(())
}

fn failing_writes(seed: u64, amount: &Amount) -> Tried<String> {
    let mut current = subject(seed, 1000, amount);
    // The failpoint is for commits; creating the database is torn by kills.
    let mut running = current.start(None, None);
    running.hear_blocks(&mut current, 1)?;
    running.kill(&mut current)?;
    current.check()?;
    for successes in 0..amount.failing_writes {
        for failure in [Failure::Before, Failure::After] {
            let context = |reason: String| format!("write {successes} fails ({failure:?}): {reason}");
            let said = current.start(Some((successes, failure)), None).wait(&mut current).map_err(context)?;
            let Some(said) = said else { return Err(context("no write failed".to_owned())) };
            check_failure(&said).map_err(context)?;
            let (block, pool) = (current.acknowledged.block, current.acknowledged.pool);
            current.check().map_err(context)?;
            let moved = (current.acknowledged.block, current.acknowledged.pool) != (block, pool);
            if moved && failure == Failure::Before {
                return Err(context("something that failed is there".to_owned()));
            }
        }
    }
    Ok(format!("{} writes failed before and after", amount.failing_writes))
}

fn limited_files(seed: u64, amount: &Amount) -> Tried<String> {
    let mut random = Random::new(seed, 3);
    let mut current = subject(seed, 2000, amount);
    let mut failures = 0;
    let mut unopened = 0;
    for round in 0..amount.limited_files {
        // 150 KiB to 2 MiB: the log is cut off in the middle of a record, or a table file is.
        let blocks = 300 + random.below(3800);
        let context = |reason: String| format!("round {round}, files of {} bytes: {reason}", blocks * 512);
        if let Some(said) = current.start(None, Some(blocks)).wait(&mut current).map_err(context)? {
            check_failure(&said).map_err(context)?;
            failures += 1;
            unopened += u64::from(said[0].starts_with("unopened"));
        }
        current.check().map_err(context)?;
    }
    if failures == 0 {
        return Err("no write failed: the limit did not work".to_owned());
    }
    Ok(format!("{failures} of {} runs failed, {unopened} of them at the opening", amount.limited_files))
}

/// A small file system of its own needs rights to mount one: in a name space of its own everybody may have them.
fn full_disk(seed: u64, amount: &Amount) -> Outcome {
    let isolate = ["--user", "--map-root-user", "--mount"];
    let probe = Command::new("unshare").args(isolate).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    match probe {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            return Outcome::Skipped(format!("no disk of its own: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Err(error) => return Outcome::Skipped(format!("unshare: {error}")),
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let mut command = Command::new("unshare");
    command.args(isolate).arg(program).args(["small-disk", &seed.to_string(), &amount.full_disks.to_string()]);
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if output.status.success() { Outcome::Passed(text) } else { Outcome::Failed(text) }
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// The scenario itself, in a mount name space that ends with this process.
pub(crate) fn inside_small_disk(args: &[String]) -> ExitCode {
    let number = |at: usize| args.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    match fill_disk(number(0), number(1)) {
        Ok(facts) => {
            println!("{facts}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn fill_disk(seed: u64, rounds: u64) -> Tried<String> {
    let mut random = Random::new(seed, 4);
    let size = format!("size={DISK_MIB}m");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", "/mnt"]).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return Err("the small disk cannot be mounted".to_owned());
    }
    let ballast = Path::new("/mnt/ballast");
    let (mut failures, mut unopened) = (0, 0);
    let mut number = 0;
    let mut current = Subject::new(seed, None, true, Some("/mnt"));
    for round in 0..rounds {
        let context = |reason: String| format!("full disk {round}: {reason}");
        // What is left holds some blocks: 0.5 to 6 MiB.
        let left = (512 << 10) + random.below(11 << 19);
        fill(ballast, left).map_err(context)?;
        if let Some(said) = current.start(None, None).wait(&mut current).map_err(context)? {
            check_failure(&said).map_err(context)?;
            failures += u64::from(!said[0].starts_with("unopened"));
        }
        // On the disk that is still full it opens or says why not, and loses nothing.
        if let Some(said) = current.start(None, None).wait(&mut current).map_err(context)? {
            check_failure(&said).map_err(context)?;
            unopened += u64::from(said[0].starts_with("unopened"));
        }
        std::fs::remove_file(ballast).map_err(|error| context(error.to_string()))?;
        current.check().map_err(context)?;
        if used("/mnt")? > (DISK_MIB << 20) / 2 {
            number += 1;
            current = Subject::new(seed + number, Some(2), true, Some("/mnt"));
        }
    }
    if failures == 0 {
        return Err("no write failed: the disk was not full".to_owned());
    }
    Ok(format!("{rounds} full disks, {failures} failed commits, {unopened} refused openings"))
}

/// Leaves so many bytes of the disk.
fn fill(ballast: &Path, left: u64) -> Tried {
    let total = DISK_MIB << 20;
    let bytes = total.saturating_sub(used("/mnt")?).saturating_sub(left);
    let written = File::create(ballast)
        .and_then(|mut file| std::io::copy(&mut std::io::Read::take(std::io::repeat(1), bytes), &mut file));
    written.map(|_| ()).map_err(|error| format!("ballast: {error}"))
}

/// Bytes of all files below.
fn used(folder: &str) -> Tried<u64> {
    let output = Command::new("du").args(["-sB1", folder]).output().map_err(|error| format!("du: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).ok_or(format!("du says {text:?}"))
}

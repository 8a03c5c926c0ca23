//! Runs executor vectors (files or folders) and prints a table per file.
//!
//! `cargo run --release --example conformance -- [--failures N] PATH...`

use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;
use zkevm_executor::vectors::{Vector, VectorReport, Verdict, parse, run_vector};

const FIELDS: [&str; 6] = ["oldStateRoot", "stateRoot", "accInputHash", "localExitRoot", "newNumBatch", "counters"];

#[derive(Default)]
struct Tally {
    total: usize,
    fields: BTreeMap<&'static str, [usize; 3]>,
    errors: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut failures_shown = 20;
    let mut filter = None;
    let mut paths = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--failures" => failures_shown = arguments.next().ok_or("--failures needs a number")?.parse()?,
            "--name" => filter = arguments.next(),
            _ => collect(Path::new(&argument), &mut paths)?,
        }
    }
    let started = Instant::now();
    let threads = std::thread::available_parallelism()?.get();
    let (send, receive) = sync_channel::<(PathBuf, usize, String)>(threads * 4);
    let receive = Mutex::new(receive);
    let reports = Mutex::new(Vec::new());
    std::thread::scope(|scope| -> std::io::Result<()> {
        for _ in 0..threads {
            scope.spawn(|| work(&receive, &reports, filter.as_deref()));
        }
        for path in &paths {
            for (number, text) in documents(path)?.enumerate() {
                let text = text?;
                if send.send((path.clone(), number, text)).is_err() {
                    break;
                }
            }
        }
        drop(send);
        Ok(())
    })?;
    let reports = reports.into_inner().map_err(|_| "a worker panicked")?;
    print(&reports, failures_shown);
    println!("{} vectors in {:.1} s on {threads} threads", reports.len(), started.elapsed().as_secs_f64());
    std::process::exit(i32::from(reports.iter().any(|(_, report)| !report.passes())));
}

fn work(
    receive: &Mutex<Receiver<(PathBuf, usize, String)>>,
    reports: &Mutex<Vec<(PathBuf, VectorReport)>>,
    filter: Option<&str>,
) {
    loop {
        let next = receive.lock().expect("no worker panics").recv();
        let Ok((path, _, text)) = next else { return };
        if filter.is_some_and(|filter| !text.contains(filter)) {
            continue;
        }
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let done: Vec<VectorReport> = match parse(&text) {
            Ok(vectors) => vectors.into_iter().map(|vector| run(vector, &file)).collect(),
            Err(error) => vec![VectorReport { name: file, error: Some(error.to_string()), ..Default::default() }],
        };
        reports.lock().expect("no worker panics").extend(done.into_iter().map(|report| (path.clone(), report)));
    }
}

fn run(mut vector: Vector, file: &str) -> VectorReport {
    if vector.name.starts_with('#') {
        vector.name = format!("{file}{}", vector.name);
    }
    run_vector(vector)
}

fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        entries.sort();
        for entry in entries {
            collect(&entry, paths)?;
        }
    } else if path.to_string_lossy().ends_with(".json") || path.to_string_lossy().ends_with(".jsonl.gz") {
        paths.push(path.to_owned());
    }
    Ok(())
}

type Documents = Box<dyn Iterator<Item = std::io::Result<String>>>;

fn documents(path: &Path) -> std::io::Result<Documents> {
    let file = std::fs::File::open(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        Ok(Box::new(BufReader::with_capacity(1 << 20, MultiGzDecoder::new(BufReader::new(file))).lines()))
    } else {
        let mut text = String::new();
        BufReader::new(file).read_to_string(&mut text)?;
        Ok(Box::new(std::iter::once(Ok(text))))
    }
}

fn print(reports: &[(PathBuf, VectorReport)], failures_shown: usize) {
    let mut files: BTreeMap<&Path, Tally> = BTreeMap::new();
    for (path, report) in reports {
        let tally = files.entry(path).or_default();
        tally.total += 1;
        tally.errors += usize::from(report.error.is_some());
        for field in &report.fields {
            tally.fields.entry(field.field).or_default()[field.verdict as usize] += 1;
        }
    }
    println!("{:44} {:>6} {}", "file", "total", FIELDS.map(|field| format!("{field:>16}")).concat());
    for (path, tally) in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let cells = FIELDS.map(|field| {
            let [matched, mismatched, unreproducible] = tally.fields.get(field).copied().unwrap_or_default();
            let all = matched + mismatched + unreproducible;
            let note = if unreproducible > 0 { format!("(+{unreproducible})") } else { String::new() };
            if all == 0 { format!("{:>16}", "-") } else { format!("{:>16}", format!("{matched}{note}/{all}")) }
        });
        let errors = if tally.errors > 0 { format!("  {} errors", tally.errors) } else { String::new() };
        println!("{name:44} {:>6} {}{errors}", tally.total, cells.concat());
    }
    for (_, report) in reports.iter().filter(|(_, report)| !report.passes()).take(failures_shown) {
        println!("{}: {}", report.name, report.error.as_deref().unwrap_or("mismatch"));
        for field in report.fields.iter().filter(|field| field.verdict == Verdict::Mismatched) {
            println!("    {}\n      expected {}\n      actual   {}", field.field, field.expected, field.actual);
        }
    }
}

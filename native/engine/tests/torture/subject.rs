//! A database under torture: its worker, what the worker acknowledged, and the same blocks without any trouble to compare with.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use tempfile::TempDir;
use zkevm_engine::engine::Engine;
use zkevm_state_db::failpoint::Failure;

use crate::common::options;
use crate::plan::Plan;
use crate::worker::WorkerOptions;

/// A worker that says nothing for so long hangs.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// Result of a part of a scenario; the error says what is wrong.
pub(crate) type Tried<T = ()> = Result<T, String>;

/// Where temporary folders go.
pub(crate) fn temporary(root: Option<&str>) -> TempDir {
    match root {
        Some(root) => tempfile::tempdir_in(root),
        None => tempfile::tempdir(),
    }
    .expect("a temporary folder")
}

/// The blocks of a plan on an engine that nobody disturbs.
pub(crate) struct Reference {
    engine: Engine,
    known: Vec<(B256, B256)>,
    // Goes with its database.
    _folder: TempDir,
}

impl Reference {
    fn new(root: Option<&str>) -> Self {
        let folder = temporary(root);
        let engine = Engine::open(&options(folder.path())).expect("the reference opens");
        let head = engine.chain().head;
        Self { engine, known: vec![(head.block_hash, head.state_root)], _folder: folder }
    }

    /// Header hash and state root of a block.
    pub(crate) fn at(&mut self, plan: &Plan, block: u64) -> (B256, B256) {
        while self.known.len() as u64 <= block {
            let sealed = plan.seal(&self.engine, self.known.len() as u64).expect("the reference goes on");
            self.engine.commit_sealed(u64::MAX).expect("the reference is written");
            self.known.push((sealed.hash, sealed.state_root));
        }
        self.known[block as usize]
    }
}

/// What the worker said is durable.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Newest block.
    pub(crate) block: u64,
    /// Newest block whose pool operations are written.
    pub(crate) pool: u64,
}

/// A database under torture.
pub(crate) struct Subject {
    pub(crate) plan: Plan,
    pub(crate) worker: WorkerOptions,
    pub(crate) reference: Reference,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) folder: PathBuf,
    _root: TempDir,
}

impl Subject {
    /// A database that does not exist yet.
    pub(crate) fn new(seed: u64, history: Option<u64>, sync: bool, root: Option<&str>) -> Self {
        let parent = temporary(root);
        let folder = parent.path().join("db");
        let worker = WorkerOptions {
            folder: folder.display().to_string(),
            seed,
            history,
            sync,
            blocks_max: u64::MAX,
            failpoint: None,
        };
        Self {
            plan: Plan::new(seed),
            worker,
            reference: Reference::new(None),
            acknowledged: Acknowledged::default(),
            folder,
            _root: parent,
        }
    }

    /// Starts the worker; with `file_blocks_max` no file of it grows beyond so many blocks of 512 bytes.
    pub(crate) fn start(&self, failpoint: Option<(u64, Failure)>, file_blocks_max: Option<u64>) -> Running {
        let options = WorkerOptions {
            failpoint,
            blocks_max: if file_blocks_max.is_some() { 400 } else { self.worker.blocks_max },
            ..self.worker.clone()
        };
        let program = std::env::current_exe().expect("this program");
        let mut command = match file_blocks_max {
            None => Command::new(program),
            Some(blocks) => {
                // A write beyond the limit fails instead of ending the process: signal 25 is the one that it would get.
                let mut command = Command::new("sh");
                command.args(["-c", &format!("ulimit -f {blocks} && trap '' 25 && exec \"$0\" \"$@\"")]).arg(program);
                command
            }
        };
        let mut child =
            command.args(options.to_args()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a worker");
        let stdout = child.stdout.take().expect("its output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running { child, lines, failure: None }
    }

    /// Takes in a line of the worker.
    pub(crate) fn hear(&mut self, running: &mut Running, line: &str) -> Tried {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        match words[0] {
            "open" if number(1) == self.acknowledged.block => Ok(()),
            "open" => Err(format!("opened at block {}, acknowledged is {}", number(1), self.acknowledged.block)),
            "pool" => {
                self.acknowledged.pool = number(1);
                Ok(())
            }
            "block" => {
                let (hash, root) = self.reference.at(&self.plan, number(1));
                if words[2..] != [hash.to_string(), root.to_string()] {
                    return Err(format!("{line}: the undisturbed block has hash {hash} and root {root}"));
                }
                self.acknowledged.block = number(1);
                Ok(())
            }
            "done" => Ok(()),
            _ => {
                running.failure.get_or_insert_default().push(line.to_owned());
                Ok(())
            }
        }
    }
}

/// A worker that runs.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// What it said about a failure.
    pub(crate) failure: Option<Vec<String>>,
}

impl Running {
    /// Hears so many blocks; answers the time that one took.
    pub(crate) fn hear_blocks(&mut self, subject: &mut Subject, blocks: u64) -> Tried<Duration> {
        let started = Instant::now();
        let mut left = blocks;
        while left > 0 {
            let line = self.lines.recv_timeout(SILENCE_MAX).map_err(|_| "the worker says nothing".to_owned())?;
            subject.hear(self, &line)?;
            if let Some(failure) = &self.failure {
                return Err(format!("the worker failed unasked: {failure:?}"));
            }
            left -= u64::from(line.starts_with("block "));
        }
        Ok(started.elapsed() / u32::try_from(blocks.max(1)).unwrap_or(1))
    }

    /// Ends it at once and hears what it still said: an acknowledgement counts, whenever it is read.
    pub(crate) fn kill(mut self, subject: &mut Subject) -> Tried {
        self.child.kill().map_err(|error| format!("kill: {error}"))?;
        self.drain(subject)
    }

    /// Waits until it ends by itself; answers what it said about a failure, if any.
    pub(crate) fn wait(mut self, subject: &mut Subject) -> Tried<Option<Vec<String>>> {
        self.drain(subject)?;
        Ok(self.failure.take())
    }

    fn drain(&mut self, subject: &mut Subject) -> Tried {
        loop {
            match self.lines.recv_timeout(SILENCE_MAX) {
                Ok(line) => subject.hear(self, &line)?,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err("the worker says nothing".to_owned()),
            }
        }
        self.child.wait().map(|_| ()).map_err(|error| format!("wait: {error}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless a check failed on the way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Processes of the real binary: started, watched with a deadline, and never left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Nothing here takes more than a few seconds; this is for a machine that is very busy.
const DEADLINE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// The command with arguments, separated by spaces.
pub(crate) fn pollwheel(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollwheel"));
    command.args(arguments.split_whitespace()).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(command, folder.path());
    let status = running.wait();
    Output { status, stdout: fs::read(&running.stdout).unwrap(), stderr: fs::read(&running.stderr).unwrap() }
}

/// What a command wrote to standard output and standard error, and its exit code.
pub(crate) fn answer(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = output(command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().expect("ended by a signal"), text(stdout), text(stderr))
}

/// A process, its output in files. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Starts a command; its output goes into files in `folder`.
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Self {
        let stdout = File::create(folder.join("stdout")).unwrap();
        Self::start_into(stdout, command, folder)
    }

    /// Starts a command that writes into something of the test's own.
    pub(crate) fn start_into(output: impl Into<Stdio>, command: &mut Command, folder: &Path) -> Self {
        let (stdout, stderr) = (folder.join("stdout"), folder.join("stderr"));
        let child =
            command.stdout(output).stderr(File::create(&stderr).unwrap()).spawn().expect("the binary starts");
        Self { child, stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Ends it as a supervisor does, and expects it to end well.
    pub(crate) fn terminate(mut self) -> String {
        self.signal(Signal::SIGTERM);
        let status = self.wait();
        let log = self.log();
        assert!(status.success(), "{status}: {log}");
        log
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
    }

    /// What it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole lines of a file of JSON lines. The last line may be torn, while it is written or after a kill.
pub(crate) fn json_lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

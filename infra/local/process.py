"""Child processes that are sure to end: each leads a session of its own, and is ended with everything it started."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

# Seconds between asking a process to end and ending it.
GRACE = 5.0

_running: list["Process"] = []
_lock = threading.Lock()
_closed = False


class Process:
    """A command that runs beside us. What it prints goes to a file."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path, cwd: Path | None = None):
        self.log = log
        with _lock:
            if _closed:
                raise RuntimeError("it is being shut down: nothing is started any more")
            with log.open("ab") as output:
                self._child = subprocess.Popen(
                    command,
                    env=env,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            _running.append(self)
        self.pid = self._child.pid

    def ended(self) -> bool:
        return self._child.poll() is not None

    def wait(self, within: float) -> int:
        """The exit status. A command that takes longer is ended, and an error."""
        try:
            status = self._child.wait(within)
        except subprocess.TimeoutExpired:
            self.stop()
            raise TimeoutError(f"a command did not end within {within:g} s, see {self.log}") from None
        self.stop()
        return status

    def stop(self) -> None:
        """Ends it, and what it started. May be repeated."""
        end_group(self.pid, lambda: self._child.poll() is not None)
        self._child.wait()
        with _lock:
            if self in _running:
                _running.remove(self)


def end_group(pid: int, leader_ended) -> None:
    """Ends a process group: asks first, then insists."""
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while not leader_ended() and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(pid, signal.SIGKILL)


def _signal(group: int, which: signal.Signals) -> None:
    try:
        os.killpg(group, which)
    except (ProcessLookupError, PermissionError):
        pass  # nobody is left in it


def stop_all() -> None:
    """Ends every process that is still running, and lets none be started any more."""
    global _closed
    with _lock:
        _closed = True
        left = list(_running)
    for process in reversed(left):
        process.stop()


def started_at(pid: int) -> str | None:
    """What tells a process from a later one with the same id: its start, in clock ticks since boot. None when it has
    ended. Linux only."""
    try:
        # The name in parentheses may hold spaces. After it come the state and, as field 22 of the whole, the start
        # (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]

"""The AWS emulator, ministack: one Python process in which functions run as processes of this machine."""

import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

from .process import Process
from .wait import Unmet, until

REGION = "us-east-1"
# Seconds in which it listens: about one on an idle machine.
START = 60


class Emulator:
    """A running emulator. Its state is in its memory, and its files are in `folder`."""

    def __init__(self, folder: Path, port: int | None = None):
        self.port = free_port(port or 0)
        self.url = f"http://127.0.0.1:{self.port}"
        temporary = folder / "emulator"
        temporary.mkdir(parents=True)
        self.process = Process([sys.executable, "-m", "ministack"], self._environment(temporary), folder / "emulator.log")
        try:
            until(f"the emulator listens on port {self.port}", START, self._not_ready)
        except Unmet:
            self.process.stop()
            raise

    def client_environment(self) -> dict[str, str]:
        """What a client needs to talk to the emulator and to nobody else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def log(self) -> str:
        return self.process.log.read_text(errors="replace")

    def _environment(self, temporary: Path) -> dict[str, str]:
        # The functions get this environment and their own variables: hence nothing of ours but what they need.
        return self.client_environment() | {
            "PATH": os.environ["PATH"],
            "HOME": str(temporary),
            "TMPDIR": str(temporary),  # code that it unpacks
            "S3_DATA_DIR": str(temporary / "s3"),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            # A second emulator could not have the same MQTT port.
            "IOT_MTLS_ENABLED": "0",
            "RUST_BACKTRACE": "1",
        }

    def _not_ready(self) -> str | None:
        if self.process.ended():
            raise Unmet("a running emulator", f"it ended, see {self.process.log}")
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
                return None
        except (urllib.error.URLError, OSError) as error:
            return str(error)


def free_port(wanted: int) -> int:
    """A port that nobody listens on now: the one that is wanted, or any for 0. Somebody else's emulator on it would
    answer in place of ours."""
    with socket.socket() as probe:
        # As the emulator will: what a connection of the last minute still holds is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise Unmet(f"port {wanted} is free", f"{error}") from error
        return probe.getsockname()[1]

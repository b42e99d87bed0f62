"""The made-up third parties: `crates/upstream`, which plays Mastodon and GitHub on a loopback port."""

import json
import os
import urllib.request
from pathlib import Path

from .process import Process
from .wait import Unmet, until

START = 30

CHANNELS = ("mastodon", "github")


class Upstream:
    """A running upstream, and what a test asks it behind the scenes."""

    def __init__(self, program: Path, folder: Path, items_per_hour: float):
        # Timelines grow by themselves, and posts of a test come on top. No intervals longer than a tick, and a limit
        # that nobody reaches: an account is polled every minute.
        settings = {
            "--listen": "127.0.0.1:0",
            "--items-per-hour": f"{items_per_hour:g}",
            "--poll-interval": "1s",
            "--limit": "100000",
        }
        command = [str(program), *(word for pair in settings.items() for word in pair)]
        self.process = Process(command, {"PATH": os.environ["PATH"]}, folder / "upstream.log")
        self.url = ""
        until("the upstream says where it listens", START, self._not_ready)

    def _not_ready(self) -> str | None:
        if self.process.ended():
            raise Unmet("a running upstream", f"it ended, see {self.process.log}")
        for line in self.process.log.read_text().splitlines():
            if line.startswith('{"listening"'):
                self.url = "http://" + json.loads(line)["listening"]
                return None
        return "nothing yet"

    def timeline(self, channel: str, external_id: str) -> list[str]:
        """The ids of everything that an account has posted up to now, oldest first."""
        return self._get(f"/_accounts/{channel}/{external_id}/ids")["ids"]

    def post(self, channel: str, external_id: str, count: int) -> list[str]:
        """Posts items now. Their ids."""
        return self._get(f"/_accounts/{channel}/{external_id}/post?n={count}", method="POST")["ids"]

    def requests(self, channel: str) -> dict[str, int]:
        """How often each account was asked for."""
        accounts = self._get("/_stats")["accounts"][channel]
        return {external_id: account["requests"] for external_id, account in accounts.items()}

    def totals(self) -> dict[str, int]:
        """Counts over both channels."""
        return self._get("/_stats?accounts=0")["total"]

    def _get(self, path: str, method: str = "GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

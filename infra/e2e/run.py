"""One run: an emulator, the third parties, a framework's deployment, and what the phases share."""

import argparse
import time
from pathlib import Path

from local.accounts import Account, made_up
from local.deploy import Deployer
from local.emulator import Emulator
from local.stack import Stack
from local.tap import Tap
from local.upstream import Upstream

from .ledger import Ledger
from .report import Report

ACCOUNTS = 50
# Items that an account posts in an hour by itself, on the mean; the phases post more.
ITEMS_PER_HOUR = 30
# A tick comes every 60 s and its jobs leave within 50 s; the rest is for a busy machine.
TICK = 90
SPREAD = 50
SLACK = 40
# Seconds for which a consumer keeps a message, instead of six minutes: what failed comes again within the test.
VISIBILITY = 6
PLANTED = "planted-token-6f1d0a"


class Run:
    """Everything of one run. Phases work on it in order."""

    def __init__(self, framework: type[Deployer], folder: Path, programs: argparse.Namespace, report: Report):
        self.report, self.folder = report, folder
        report.evidence = self.evidence
        self.emulator = Emulator(folder)
        self.upstream = Upstream(programs.upstream.resolve(), folder, ITEMS_PER_HOUR)
        self.deployer = framework(self.emulator, folder, programs.render, programs.zips)
        self.stack = Stack(self.deployer.stack_name, self.emulator.url)
        self.accounts = made_up(ACCOUNTS)
        # Without one, all accounts of a channel share the limit of an address: on GitHub 60 requests an hour.
        for place, account in enumerate(self.accounts):
            token = f"{PLANTED}-{place}"
            self.accounts[place] = Account(account.channel, account.account_id, account.external_id, token)
        self.tap: Tap | None = None
        self.ledger: Ledger | None = None

    def on(self, channel: str) -> list[Account]:
        return [account for account in self.accounts if account.channel == channel]

    def register(self, account: Account) -> dict:
        return self.stack.command("register", **account.line(self.upstream.url))

    def next_tick(self, job_type: str = "github/events") -> None:
        """Waits until a tick has put a job type's next minute into its queue."""
        before = self.stack.cursor(job_type)
        self.report.expect(f"a tick for {job_type}", TICK, lambda: self._same(job_type, before))

    def _same(self, job_type: str, before: int | None) -> str | None:
        now = self.stack.cursor(job_type)
        return f"its cursor is still {now}" if now == before else None

    def expect_events(self, channel: str, owed: set[tuple[str, str]], within: float) -> None:
        expected = f"all {len(owed)} events owed for {channel} are on the bus"
        self.report.expect(expected, within, lambda: self.ledger.missing(owed))

    def functions_log(self, function: str, lines: int) -> str:
        tail = self.stack.log_lines(function)[-lines:]
        return "\n".join([f"last lines of {function}:", *(f"  {line.rstrip()}" for line in tail)])

    def evidence(self) -> str:
        """What helps to understand a failure: the functions' last words, and where the rest is."""
        try:
            tails = [self.functions_log(function, 8) for function in self.stack.function_names()]
        except Exception as error:  # noqa: BLE001 - the failure itself must be shown in any case
            tails = [f"the functions' logs cannot be read: {error}"]
        return "\n".join([*tails, f"all logs: {self.folder}"])

    def save_logs(self) -> None:
        """Keeps the functions' logs: with the stack they are gone."""
        for function in self.stack.function_names():
            text = "\n".join(line.rstrip() for line in self.stack.log_lines(function))
            (self.folder / f"{function}.log").write_text(text)


def minute_now() -> int:
    """Minutes since 1970."""
    return int(time.time()) // 60

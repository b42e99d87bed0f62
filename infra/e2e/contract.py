"""The contract tests that need an emulator: the same suite that every other implementation of the ports passes."""

from pathlib import Path

from local.deploy import CHECKOUT
from local.emulator import Emulator
from local.process import Process

from .report import Report

COMMAND = "cargo nextest run --profile emulator --workspace -E package(pollwheel-aws) --run-ignored only"
# Seconds for the tests; they are built before.
TESTS = 300


def contract_tests(folder: Path, environment: dict[str, str], report: Report) -> None:
    """Runs them against an emulator of their own: they make and remove queues and buses."""
    emulator = Emulator(folder)
    with report.phase("contract tests on the emulator"):
        tests = Process(COMMAND.split(), environment | emulator.client_environment(), folder / "tests.log", cwd=CHECKOUT)
        status = tests.wait(TESTS)
        output = tests.log.read_text(errors="replace")
        report.check("they pass", None if status == 0 else f"status {status}, see {tests.log}\n{output[-4000:]}")
        summary = [line.strip() for line in output.splitlines() if "tests run:" in line]
        report.say(f"   {summary[-1] if summary else output[-300:]}")
    emulator.process.stop()

"""`python -m e2e`: both frameworks side by side, each with an emulator of its own, and the contract tests on a third."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from local.deploy import Sam, Serverless
from local.process import stop_all

from .contract import contract_tests
from .report import Ended, Report, say, table
from .run import Run
from .scenario import play

FRAMEWORKS = {framework.framework: framework for framework in (Sam, Serverless)}
CONTRACT = "contract"


def main() -> int:
    parser = argparse.ArgumentParser(prog="e2e", description=__doc__)
    parser.add_argument("--upstream", type=Path, required=True, help="the program that plays the third parties")
    parser.add_argument("--render", type=Path, required=True, help="the program that renders the deployment")
    parser.add_argument("--zips", type=Path, required=True, help="the folder of the functions' zips")
    parser.add_argument("only", nargs="*", choices=[[], *FRAMEWORKS, CONTRACT], help="what to run; everything by default")
    arguments = parser.parse_args()
    # Ended by whoever started us, as by Ctrl-C: what runs must end too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="pollwheel-e2e-"))
    started = time.monotonic()
    reports: list[Report] = []
    try:
        reports = _run_all(arguments, folder)
    except KeyboardInterrupt:
        say("e2e", "interrupted")
        return 130
    finally:
        stop_all()
        # Logs are kept for whoever looks into a failure.
        if not any(report.failures for report in reports):
            shutil.rmtree(folder)
    return _conclude(reports, folder, time.monotonic() - started)


def _run_all(arguments: argparse.Namespace, folder: Path) -> list[Report]:
    reports = [Report(name) for name in arguments.only or [*FRAMEWORKS, CONTRACT]]
    threads = []
    for report in reports:
        (folder / report.name).mkdir()
        thread = threading.Thread(target=_one, args=(report, folder / report.name, arguments), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return reports


def _one(report: Report, folder: Path, arguments: argparse.Namespace) -> None:
    try:
        if report.name == CONTRACT:
            contract_tests(folder, dict(os.environ), report)
        else:
            play(Run(FRAMEWORKS[report.name], folder, arguments, report))
    except Ended as ended:
        report.say(f"the run ends with the phase {ended}")
    except Exception:  # noqa: BLE001 - the other runs go on, and this one has failed
        report.failures.append(traceback.format_exc())


def _conclude(reports: list[Report], folder: Path, seconds: float) -> int:
    passed = sum(report.passed for report in reports)
    failures = [(report.name, failure) for report in reports for failure in report.failures]
    print(f"\n{table(reports)}\n")
    for name, failure in failures:
        say(name, failure)
    if failures:
        print(f"all logs: {folder}")
    print(f"{seconds:.0f} s\n{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

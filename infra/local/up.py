"""`just aws-local`: everything on this machine, and the events of the bus on stdout, one JSON text a line.

What is told to people goes to stderr. Ctrl-C ends the tailing only; `just aws-local-down` ends the rest.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from . import state
from .accounts import made_up
from .deploy import DeployFailed, Sam
from .emulator import Emulator
from .process import stop_all
from .stack import CommandFailed, Stack
from .tap import Tap
from .upstream import Upstream
from .wait import Unmet

# Items that an account posts in an hour, on the mean: something is to be seen in the first minutes.
ITEMS_PER_HOUR = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="just aws-local", description=__doc__)
    parser.add_argument("--upstream", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--render", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--zips", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("port", nargs="?", type=int, default=4566, help="the emulator's port; 0 for any")
    parser.add_argument("accounts", nargs="?", type=int, default=20, help="accounts to register, on two channels")
    parser.add_argument("minutes", nargs="?", type=float, help="how long to tail; until Ctrl-C by default")
    arguments = parser.parse_args()
    if state.running():
        _tell("it is up already; `just aws-local-down` takes it down")
        return 1
    shutil.rmtree(state.FOLDER, ignore_errors=True)
    state.FOLDER.mkdir(parents=True)
    try:
        stack = _put_up(arguments)
    except (Unmet, DeployFailed, CommandFailed, TimeoutError) as error:
        stop_all()
        _tell(f"{error}\nit is down again; logs: {state.FOLDER}")
        return 1
    except BaseException:
        # Half of it is of no use to anybody, whatever went wrong, Ctrl-C included.
        stop_all()
        raise
    try:
        _tail(stack, arguments.minutes)
    except KeyboardInterrupt:
        pass
    _tell("it goes on without a listener; `just aws-local-down` takes it down")
    return 0


def _put_up(arguments: argparse.Namespace) -> Stack:
    started = time.monotonic()
    emulator = Emulator(state.FOLDER, arguments.port or None)
    upstream = Upstream(arguments.upstream.resolve(), state.FOLDER, ITEMS_PER_HOUR)
    state.remember([emulator.process, upstream.process])
    _tell(f"emulator on {emulator.url}, third parties on {upstream.url}; deploying with SAM")
    deployer = Sam(emulator, state.FOLDER, arguments.render, arguments.zips)
    deployer.deploy()
    stack = Stack(deployer.stack_name, emulator.url)
    for account in made_up(arguments.accounts):
        stack.command("register", **account.line(upstream.url))
    _tell(
        f"stack `{stack.name}` is up with {arguments.accounts} accounts after {time.monotonic() - started:.0f} s. "
        f"The first tick comes within a minute and only learns where each account stands; events come from the second "
        f"on. Logs: {state.FOLDER}. To talk to it:\n"
        f"  AWS_ENDPOINT_URL={emulator.url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1"
    )
    return stack


def _tail(stack: Stack, minutes: float | None) -> None:
    Tap(stack, on_event=lambda event: print(json.dumps(event, ensure_ascii=False), flush=True))
    ends = time.monotonic() + minutes * 60 if minutes else float("inf")
    while time.monotonic() < ends:
        time.sleep(0.2)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

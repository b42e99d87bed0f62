"""Waiting for a condition, with a deadline. Nothing here waits for a fixed time."""

import time
from collections.abc import Callable

# Seconds between two looks: short against a tick, long against a request.
LOOK_EVERY = 0.2


class Unmet(Exception):
    """A condition that did not come true."""

    def __init__(self, expected: str, seen: str):
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected, self.seen = expected, seen


def until(expected: str, within: float, look: Callable[[], str | None]) -> None:
    """Looks until there is nothing to object to. `look` says what stands against it, or nothing when it came true."""
    deadline = time.monotonic() + within
    while objection := look():
        if time.monotonic() > deadline:
            raise Unmet(f"{expected} within {within:g} s", objection)
        time.sleep(LOOK_EVERY)

"""The processes in which the emulator runs a function. Linux only: they are found in /proc."""

import os
import signal
from pathlib import Path


def of_function(function: str, endpoint: str) -> list[int]:
    """The processes of one function of one emulator."""
    wanted = {f"AWS_LAMBDA_FUNCTION_NAME={function}", f"AWS_ENDPOINT_URL={endpoint}"}
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                variables = set((folder / "environ").read_text(errors="replace").split("\0"))
            except OSError:
                continue  # it has ended, or is another user's
            if wanted <= variables:
                found.append(int(folder.name))
    return found


def kill(pids: list[int]) -> None:
    """Ends them as a crash does: with no chance to tidy up."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

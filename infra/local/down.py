"""`just aws-local-down`: ends what `just aws-local` started and removes its folder. The stack was in the emulator's memory."""

import shutil
import sys

from . import state
from .process import end_group, started_at


def main() -> int:
    processes = state.running()
    for pid in processes:
        end_group(pid, lambda: started_at(pid) is None)
    shutil.rmtree(state.FOLDER, ignore_errors=True)
    print(f"{len(processes)} processes ended, {state.FOLDER} removed" if processes else "it was not up")
    return 0


if __name__ == "__main__":
    sys.exit(main())

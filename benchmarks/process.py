"""Runs a command as a process of its own and measures it from outside."""

import dataclasses
import os
import subprocess
import sys
import time


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes:
      seconds: Wall time, start-up included.
      peak_mb: The most memory that it had resident.
    """

    seconds: float
    peak_mb: float


def run(module: str, **flags) -> Measured:
    """Runs `python -m module --name=value ...`.

    Raises:
      RuntimeError: It failed; with the end of what it printed.
    """
    command = [sys.executable, "-m", module, *[f"--{name}={value}" for name, value in flags.items()]]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{printed[-3000:]}")
    unit = 1024 if sys.platform == "linux" else 1024**2
    return Measured(seconds, usage.ru_maxrss / unit)

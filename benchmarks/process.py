"""Runs a command, or a function, as a process of its own.

The peak memory of a process counts what its parent held when it started it (Linux keeps the mark of
before exec), so whoever measures imports nothing large and has functions run elsewhere, too.
"""

import concurrent.futures
import contextlib
import dataclasses
import importlib
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes:
      seconds: Wall time, start-up included.
      cpu_seconds: Of all its threads; beside wall time they tell how busy the machine was with other things.
      peak_mb: The most memory that it had resident.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count()))


def run(module: str, *, on_cores: int | None = None, started_in: str | os.PathLike | None = None, **flags) -> Measured:
    """Runs `python -m module --name=value ...`, a flag of value None alone.

    Args:
      module: What is run.
      on_cores: The number of cores that it may use (on Linux); None for all.
      started_in: Its working folder, whose modules it takes first; None for that of this process.
      **flags: Its own.

    Raises:
      RuntimeError: It failed; with the end of what it printed.
    """
    command = [sys.executable, "-m", module, *as_flags(flags)]
    if on_cores:
        command = ["taskset", "--cpu-list", ",".join(map(str, cores()[:on_cores])), *command]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=started_in)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{printed[-3000:]}")
    unit = 1024 if sys.platform == "linux" else 1024**2
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def as_flags(values: dict) -> list[str]:
    """Writes values as flags, None as a flag without a value."""
    return [f"--{name}" if value is None else f"--{name}={value}" for name, value in values.items()]


@contextlib.contextmanager
def temporary_output() -> Iterator[pathlib.Path]:
    """A folder for a job to write to, which is not there yet; deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield pathlib.Path(folder, "output")


def call(module: str, function: str, **arguments):
    """Runs a module's function in a new process, which alone imports the module, and returns its result."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_call, module, function, arguments).result()


def _call(module: str, function: str, arguments: dict):
    # TensorFlow greets there whatever its log level; an error reaches the caller by itself.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return getattr(importlib.import_module(module), function)(**arguments)

"""Programs that run beside a test: started with a log each, waited for, killed with all that they started."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[3]
# What `make test-runners` has built or fetched.
ENGINES = ROOT / ".engines"


def free_ports(count: int) -> list[int]:
    """Finds ports of loopback that no one listens at, each another one."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def running(log: pathlib.Path, *command: object, **options) -> Iterator[subprocess.Popen]:
    """Runs a program in a session of its own, and kills the whole session in the end.

    Args:
      log: Where what it prints is appended.
      command: The program and its arguments.
      options: Of `subprocess.Popen`.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*map(str, command)],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )
    try:
        yield process
    finally:
        kill_session(process)


def kill_session(process: subprocess.Popen) -> None:
    """Kills a program and whatever it started, in whichever process group: Beam's workers are in their own."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(int(entry.name)) == process.pid:
                os.kill(int(entry.name), signal.SIGKILL)
    process.wait()


def wait_until(is_true: Callable[[], object], *, seconds: float, process: subprocess.Popen, log: pathlib.Path) -> None:
    """Waits until something is true; fails with the end of the log when time is up or the program has failed."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if process.poll() or time.monotonic() > deadline:
            pytest.fail(f"status {process.poll()} after waiting, {log}:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def listens(port: int) -> bool:
    """Whether a server answers at a port of loopback."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0

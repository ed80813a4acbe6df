"""The local server as a process of its own, as a user starts it."""

import contextlib
import os
import pathlib
import re
import signal
import sys
import tempfile
from collections.abc import Iterator

from tests.helpers.engines.processes import ROOT, running, wait_until

# Importing TensorFlow and loading a model take some five seconds on two idle cores.
START_S = 120
END_S = 60


class Served:
    """A server that can be killed and started again at the same ports.

    Args:
      export: A version, a folder of versions, or the trainer's output.
      flags: Of `python -m serving.local`.
      log: Where what it prints is appended.

    Attributes:
      rest: The address of REST, HOST:PORT.
      grpc: That of gRPC.
      process: What runs.
    """

    def __init__(self, export: pathlib.Path, flags: tuple[str, ...], log: pathlib.Path):
        self.log = log
        self._export = export
        self._flags = flags
        self._ports = ("--port=0", "--grpc_port=0")
        self._stack = contextlib.ExitStack()
        self.start()

    @property
    def url(self) -> str:
        """The address of the model, without what is done with it, such as ":predict"."""
        return f"http://{self.rest}/v1/models/reviews"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        printed = len(self.printed())
        command = [sys.executable, "-m", "serving.local", self._export, *self._ports, *self._flags]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = self._stack.enter_context(running(self.log, *command, env=environment, cwd=self.log.parent))
        ready = re.compile(r"serving .* REST http://([^/]+)/.* gRPC (\S+),")
        wait_until(lambda: ready.search(self.printed()[printed:]), seconds=START_S, process=self.process, log=self.log)
        self.rest, self.grpc = ready.search(self.printed()[printed:]).groups()
        rest_port, grpc_port = (address.rpartition(":")[2] for address in (self.rest, self.grpc))
        self._ports = (f"--port={rest_port}", f"--grpc_port={grpc_port}")

    def kill(self) -> None:
        """Kills it as a crash would; what is in flight is lost."""
        self._stack.close()

    def terminate(self) -> int:
        """Ends it by SIGTERM and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=END_S)

    def restart(self) -> None:
        """Starts it at the same ports, after a kill if it still runs."""
        self.kill()
        self.start()

    def printed(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@contextlib.contextmanager
def served(export: pathlib.Path, *flags: str) -> Iterator[Served]:
    """Serves an export at free ports of loopback, and kills the server in the end."""
    with tempfile.TemporaryDirectory() as folder:
        server = Served(export, flags, pathlib.Path(folder, "log"))
        try:
            yield server
        finally:
            server.kill()

"""Runs the server: its ports, both protocols in one event loop, the look at the folder, and its end."""

import asyncio
import contextlib
import functools
import pathlib
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import uvicorn

from beam_pipelines.commands import entry
from beam_pipelines.errors import UserError, logger
from serving.local_server import ports
from serving.local_server.settings import LocalSettings

if TYPE_CHECKING:
    import grpc

    from serving.local_server.model_api import ModelApi
    from serving.local_server.versions import Status

POLL_S = 1.0
# What is in flight has so long to finish once the server was told to end.
GRACE_S = 30


def serve(settings: LocalSettings, folder: pathlib.Path, *, only: int | None = None) -> None:
    """Serves a folder of versions until SIGTERM or Ctrl-C.

    Args:
      settings: The flags.
      folder: Holds the versions.
      only: The version that was asked for by its folder; None where the folder is watched.

    Raises:
      UserError: A port is taken, or no version can be loaded.
    """
    with ports.bound(settings.host, settings.port, settings.grpc_port) as (rest, rpc):
        entry.import_tensorflow()
        from serving.local_server import servable
        from serving.local_server.model_api import ModelApi
        from serving.local_server.tensors import Limits
        from serving.local_server.versions import Versions

        # Before the first model: what exists when it starts, it never frees, and a model is unloaded one day.
        entry.start_collector()
        pinned = settings.pinned or ({only} if only is not None else ())
        versions = Versions(settings.model_name, folder, servable.load, pinned=pinned, labels=settings.numbers_by_label)
        versions.refresh()
        _refuse_unserved(versions.statuses, pinned, folder)
        limits = Limits(settings.max_rows, settings.max_text_bytes, settings.max_request_bytes)
        asyncio.run(_run(settings, ModelApi(versions, limits), rest, rpc))


def _refuse_unserved(statuses: Mapping[int, "Status"], pinned: Iterable[int], folder: pathlib.Path) -> None:
    """Raises a UserError where a version cannot be served at the start: there is none before it to go on with."""
    for number in sorted({*pinned} - statuses.keys()):
        raise UserError(f"{folder} holds no version {number}")
    for number, status in sorted(statuses.items()):
        if status.error:
            raise UserError(f"{folder}/{number} does not load: {status.error}", status=1)


async def _run(
    settings: LocalSettings, model: "ModelApi", rest_socket: socket.socket, rpc_socket: socket.socket
) -> None:
    """Answers until a signal comes, then finishes what is in flight."""
    from serving.local_server import rpc
    from serving.local_server.rest import Rest
    from serving.local_server.workers import Workers

    workers = Workers(settings.max_in_flight)
    rpc_server = rpc.server(model, workers)
    address = ports.address(settings.host, rpc_socket)
    # gRPC binds by itself; until here no one else could.
    rpc_socket.close()
    try:
        rpc_server.add_insecure_port(address)
    except RuntimeError as error:
        raise UserError(f"--grpc_port {address} cannot be listened at; name another port") from error
    await rpc_server.start()
    both = _BothServers(
        uvicorn.Config(
            Rest(model, workers).app(),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_S,
        ),
        rpc_server,
        on_started=functools.partial(_tell, settings, model, rest_socket, address),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, both.stop)
    with _watched(model.versions.refresh):
        await both.serve([rest_socket])
    workers.close()


class _BothServers(uvicorn.Server):
    """The server of REST, which says when it listens, and with which that of gRPC ends.

    Signals it leaves to the event loop: once ended, uvicorn would raise them again.
    """

    def __init__(self, config: uvicorn.Config, rpc_server: "grpc.aio.Server", on_started: Callable[[], None]):
        super().__init__(config)
        self._rpc_server = rpc_server
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(super().shutdown(sockets), self._rpc_server.stop(GRACE_S))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Ends it gracefully, or the second time at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


@contextlib.contextmanager
def _watched(refresh: Callable[[], None]) -> Iterator[None]:
    """Calls a function each second, in a thread of its own, since loading takes seconds."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            try:
                refresh()
            except OSError as error:  # Of a folder that cannot be read for now; what is loaded is served on.
                logger.warning("the folder of versions cannot be read: %s", error)

    thread = threading.Thread(target=watch, name="versions")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _tell(settings: LocalSettings, model: "ModelApi", rest_socket: socket.socket, rpc_address: str) -> None:
    """Prints the one line that says that both protocols are answered."""
    available = [number for number, status in model.versions.statuses.items() if status.servable]
    listed = ", ".join(map(str, sorted(available)))
    rest = f"http://{ports.address(settings.host, rest_socket)}"
    print(
        f"serving {settings.model_name} version {listed}: REST {rest}/v1/models/{settings.model_name}, "
        f"gRPC {rpc_address}, page {rest}/",
        flush=True,
    )

"""The ports of the local server, taken before anything slow is done."""

import contextlib
import socket
from collections.abc import Iterator

from beam_pipelines.errors import UserError


@contextlib.contextmanager
def bound(host: str, port: int, grpc_port: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Takes both ports, of REST and of gRPC, before anything slow is done; nothing listens yet.

    Raises:
      UserError: One of them is taken.
    """
    with _bound(host, port, "--port") as rest, _bound(host, grpc_port, "--grpc_port") as rpc:
        yield rest, rpc


def _bound(host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sets TCP_NODELAY; without, each answer waits 40 ms (Python 3.11).
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        reason = error.strerror or str(error)
        raise UserError(f"{flag} {port} at {host}: {reason}; name another port, or 0 for a free one") from error
    return taken


def address(host: str, bound_socket: socket.socket) -> str:
    """HOST:PORT of a socket."""
    port = bound_socket.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""A server that is far away, or behind a slow proxy."""

import contextlib
import select
import socket
import socketserver
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def slow_relay(port: int, pause_s: float) -> Iterator[int]:
    """Relays to a port of this machine, but lets nothing through before a connection is so old; yields its own port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            time.sleep(pause_s)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as served:
                other = {self.request: served, served: self.request}
                while True:
                    for ready in select.select([*other], [], [])[0]:
                        given = ready.recv(65_536)
                        if not given:
                            return
                        other[ready].sendall(given)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()

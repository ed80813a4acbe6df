"""The flags of a live server that is checked."""

import dataclasses
from typing import ClassVar
from urllib.parse import urlsplit

from beam_pipelines.commands.flags import flag
from beam_pipelines.errors import UserError
from serving.client import tokens
from serving.client.connection import Connection


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where a live server is, and which of its versions is asked."""

    GROUP: ClassVar = "a live server"

    server: str | None = flag(
        "check this server instead: HOST:PORT or http(s)://HOST:PORT of its REST API", default=None, metavar="ADDRESS"
    )
    grpc_port: int = flag(
        "the port of its gRPC API on the same host, which behind a proxy can be that of REST; 0 leaves gRPC out",
        default=8500,
        metavar="PORT",
    )
    model_name: str = flag("its name there", default="reviews", metavar="NAME")
    version_label: str | None = flag(
        "ask for the version by this label, such as stable, as clients do (default: by its number)",
        default=None,
        metavar="LABEL",
    )
    token_file: str | None = flag(
        f"a file with the token that a proxy in front asks for; or put it into {tokens.VARIABLE}",
        default=None,
        metavar="FILE",
        is_path=True,
    )
    ca_file: str | None = flag(
        "PEM file of the authorities that sign the server's certificate, where the system does not know them",
        default=None,
        metavar="FILE",
        is_path=True,
    )


# Those that say how it is asked.
SERVER_FLAGS = tuple(field.name for field in dataclasses.fields(ServerSettings) if field.name != "server")


def connections(settings: ServerSettings, version: int) -> list[Connection]:
    """The connections to a version by each protocol.

    Raises:
      UserError: A flag is to be mended.
    """
    try:
        rest = _connection(settings.server or "", settings, version)
        if rest.is_grpc:
            raise ValueError("expected the address of its REST API; --grpc_port names the other")
        if not settings.grpc_port:
            return [rest]
        host = urlsplit(str(rest)).hostname or ""
        host = f"[{host}]" if ":" in host else host
        scheme = "grpcs" if rest.is_secure else "grpc"
        return [rest, _connection(f"{scheme}://{host}:{settings.grpc_port}", settings, version)]
    except (ValueError, OSError) as error:
        raise UserError(f"--server {settings.server}: {error}") from error


def _connection(address: str, settings: ServerSettings, version: int) -> Connection:
    return Connection.of(
        address,
        model_name=settings.model_name,
        version=None if settings.version_label else version,
        label=settings.version_label,
        token=tokens.read(settings.token_file),
        ca_file=settings.ca_file,
    )

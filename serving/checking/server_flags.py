"""The flags of a live server that is checked; they are read before anything slow is imported."""

import argparse
import os
from urllib.parse import urlsplit

from beam_pipelines.errors import UserError
from serving.client import tokens
from serving.client.connection import Connection


def add(parser: argparse._ActionsContainer) -> None:
    """Adds the flags."""
    parser.add_argument(
        "--server",
        metavar="ADDRESS",
        help="check this server instead: HOST:PORT or http(s)://HOST:PORT of its REST API",
    )
    parser.add_argument(
        "--grpc_port",
        type=int,
        default=8500,
        metavar="PORT",
        help="the port of its gRPC API on the same host (default: 8500); 0 leaves gRPC out",
    )
    parser.add_argument("--model_name", default="reviews", metavar="NAME", help="its name there (default: reviews)")
    parser.add_argument(
        "--token_file",
        type=os.path.expanduser,
        metavar="FILE",
        help=f"a file with the token that a proxy in front asks for; or put it into {tokens.VARIABLE}",
    )
    parser.add_argument(
        "--ca_file",
        type=os.path.expanduser,
        metavar="FILE",
        help="PEM file of the authorities that sign the server's certificate, where the system does not know them",
    )


def connections(given: argparse.Namespace, version: int) -> list[Connection]:
    """The connections to a version by each protocol.

    Raises:
      UserError: A flag is to be mended.
    """
    try:
        rest = _connection(given.server, given, version)
        if rest.is_grpc:
            raise ValueError("expected the address of its REST API; --grpc_port names the other")
        if not given.grpc_port:
            return [rest]
        host = urlsplit(str(rest)).hostname or ""
        host = f"[{host}]" if ":" in host else host
        scheme = "grpcs" if rest.is_secure else "grpc"
        return [rest, _connection(f"{scheme}://{host}:{given.grpc_port}", given, version)]
    except (ValueError, OSError) as error:
        raise UserError(f"--server {given.server}: {error}") from error


def _connection(address: str, given: argparse.Namespace, version: int) -> Connection:
    token = tokens.read(given.token_file)
    return Connection.of(address, model_name=given.model_name, version=version, token=token, ca_file=given.ca_file)

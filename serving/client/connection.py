"""Where the server is, and how it is spoken to."""

import dataclasses
import ipaddress
from urllib.parse import urlsplit

_SCHEMES = {"http": False, "https": True, "grpc": False, "grpcs": True}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Connection:
    """A server and the model that it is asked for.

    Attributes:
      scheme: http, https, grpc or grpcs.
      target: HOST:PORT, and for REST the path that a proxy serves it under.
      model_name: The model's name on the server.
      version: The only one that may answer; None for the newest.
      label: The label of the version to ask for, such as "stable".
      token: For the header `Authorization: Bearer`, which a proxy in front may ask for.
      ca_file: PEM file of the authorities that sign the server's certificate; None for those of the system.
    """

    scheme: str
    target: str
    model_name: str
    version: int | None = None
    label: str | None = None
    token: str | None = dataclasses.field(default=None, repr=False)
    ca_file: str | None = None

    @classmethod
    def of(cls, server: str, **others) -> "Connection":
        """Reads an address: HOST:PORT, http:// and https:// are REST, grpc:// and grpcs:// are gRPC.

        Raises:
          ValueError: It is not an address; or what is asked contradicts itself, or would send the token unencrypted.

        >>> Connection.of("grpcs://scores.example:8500", model_name="reviews").is_grpc
        True
        """
        scheme, target = _split(server)
        connection = cls(scheme=scheme, target=target, **others)
        connection._check()
        return connection

    def _check(self) -> None:
        if self.version is not None and self.label is not None:
            raise ValueError("a version and a label exclude each other; give one of them")
        if self.token and not (self.is_secure or self.is_loopback):
            raise ValueError(f"{self} is not encrypted and would show the token to others: use https:// or grpcs://")
        if self.ca_file and not self.is_secure:
            raise ValueError(f"{self} is not encrypted and has no certificate: use https:// or grpcs://")

    @property
    def is_grpc(self) -> bool:
        return self.scheme.startswith("grpc")

    @property
    def is_secure(self) -> bool:
        return _SCHEMES[self.scheme]

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, so that no proxy may come between."""
        host = urlsplit(str(self)).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.target}"


def _split(server: str) -> tuple[str, str]:
    address = server if "://" in server else f"http://{server}"
    expected = f"the server {server!r}: expected HOST:PORT, http://, https://, grpc:// or grpcs://HOST:PORT"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError(expected) from error
    needs_port = "://" not in server or parts.scheme in ("grpc", "grpcs")
    has_more = parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in _SCHEMES or not parts.hostname or has_more or (needs_port and port is None):
        raise ValueError(expected)
    path = parts.path.rstrip("/")
    if "/v1/models" in path:
        raise ValueError(
            f"the server {server!r}: give HOST:PORT alone, {parts.netloc}; the model's name is given apart, and the "
            "path is made of it"
        )
    if path and parts.scheme.startswith("grpc"):
        raise ValueError(expected)
    return parts.scheme, parts.netloc + path

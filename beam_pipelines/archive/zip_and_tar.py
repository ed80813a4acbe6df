"""Archives of files, .zip and .tar: their members are read where they lie, never unpacked to disk."""

import dataclasses
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO

from beam_pipelines.errors import UserError

ZIP, TAR = "zip", "tar"
# The ends of names -> what the file is, and how it is compressed as a whole.
CONTAINERS = {
    ".zip": (ZIP, None),
    ".tar": (TAR, None),
    ".tar.gz": (TAR, "gzip"),
    ".tgz": (TAR, "gzip"),
    ".tar.bz2": (TAR, "bzip2"),
    ".tbz2": (TAR, "bzip2"),
    ".tar.xz": (TAR, "xz"),
    ".txz": (TAR, "xz"),
    ".tar.zst": (TAR, "zstd"),
}
EXTENSIONS = tuple(CONTAINERS)


@dataclasses.dataclass(frozen=True)
class Container:
    """What an archive of files is.

    Attributes:
      kind: "zip" or "tar".
      compression: Of a tar, how it is compressed as a whole.
    """

    kind: str
    compression: str | None = None


@dataclasses.dataclass(frozen=True)
class Member:
    """A file in an archive of files.

    Attributes:
      index: Its index there, from 0.
      name: Its path there.
      size_bytes: Its size, unpacked by the archive but not by itself.
    """

    index: int
    name: str
    size_bytes: int


def container_of(path: str) -> Container | None:
    """Tells what archive of files a name tells of.

    >>> container_of("dump/yelp.tar.gz")
    Container(kind='tar', compression='gzip')
    """
    ends = [end for end in EXTENSIONS if path.lower().endswith(end)]
    return Container(*CONTAINERS[ends[0]]) if ends else None


def is_hidden(name: str) -> bool:
    """Tells whether a member is no data: macOS adds `__MACOSX/` and `.DS_Store`.

    >>> [is_hidden(name) for name in ("__MACOSX/a.csv", "b/._a.csv", "b/a.csv")]
    [True, True, False]
    """
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".")


def list_members(stream: IO[bytes], container: Container, path: str, max_bytes: float) -> list[Member]:
    """Lists the members, in their order.

    Args:
      stream: The archive's bytes; of a compressed tar, decompressed.
      container: What it is.
      path: Its name.
      max_bytes: How much they may unpack to in all.

    Raises:
      UserError: They unpack to more, or one is encrypted.
    """
    listed, total = [], 0
    for member in _zip_members(stream, path) if container.kind == ZIP else _tar_members(stream, container):
        total += member.size_bytes
        # Before the next header is read: a .tar.gz has to be unpacked to list it, and may have no end.
        if total > max_bytes:
            raise UserError(f"{path} unpacks to more than {max_bytes / 1e9:g} GB; allow more with --max_unpacked_gb")
        listed.append(member)
    return listed


def _zip_members(stream: IO[bytes], path: str) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for index, info in enumerate(archive.infolist()):
            if info.flag_bits & 1:
                raise UserError(f"{path}: {info.filename} is encrypted; unpack it first")
            if not info.is_dir():
                yield Member(index, info.filename, info.file_size)


def _tar_members(stream: IO[bytes], container: Container) -> Iterator[Member]:
    with _open_tar(stream, container) as archive:
        for index, info in enumerate(archive):
            if info.isfile():
                yield Member(index, info.name, info.size)


def _open_tar(stream: IO[bytes], container: Container) -> tarfile.TarFile:
    # A stream is read forward alone; where the tar lies plain, what is not wanted is skipped by seeking.
    return tarfile.open(fileobj=stream, mode="r|" if container.compression else "r:")


def iter_open(stream: IO[bytes], container: Container, indices: set[int]) -> Iterator[tuple[int, IO[bytes]]]:
    """Opens the members of some indices, one after the other; each is read before the next is asked for.

    Of a tar this is one pass over it, which a compressed one can only be read in.
    """
    if container.kind == ZIP:
        with zipfile.ZipFile(stream) as archive:
            for index in sorted(indices):
                with archive.open(archive.infolist()[index]) as member:
                    yield index, member
        return
    with _open_tar(stream, container) as archive:
        for index, info in enumerate(archive):
            if index in indices:
                data = archive.extractfile(info)
                assert data is not None  # Of a file it never is.
                yield index, data

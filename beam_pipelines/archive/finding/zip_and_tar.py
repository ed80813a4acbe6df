"""Archives of files, .zip and .tar: their members are read where they lie, never unpacked to disk."""

import dataclasses
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Self

from beam_pipelines.archive.finding import first_bytes
from beam_pipelines.archive.finding.decompression import DamagedData
from beam_pipelines.errors import UserError
from beam_pipelines.reporting.phrases import printable

ZIP, TAR = "zip", "tar"


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
    """What has a name in an archive of files, and is no folder.

    Attributes:
      index: Its index there, from 0; of a hard link, that of the file that it stands for.
      name: Its path there, with \\xNN for each byte that is no UTF-8.
      size_bytes: Its size, unpacked by the archive but not by itself.
      not_a_file: What it is, if it is no file, such as "a link to a.csv".
    """

    index: int
    name: str
    size_bytes: int
    not_a_file: str | None = None


def is_hidden(name: str) -> bool:
    """Tells whether a member is no data: macOS adds `__MACOSX/` and `.DS_Store`.

    >>> [is_hidden(name) for name in ("__MACOSX/a.csv", "b/._a.csv", ".git/a.csv", "./b/a.csv")]
    [True, True, True, False]
    """
    parts = name.split("/")
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)


def kind_of(start: bytes, name: str) -> str | None:
    """Tells what archive of files has these first bytes; None if it is none."""
    if first_bytes.is_zip(start):
        return ZIP
    if first_bytes.is_tar(start):
        return TAR
    # A program that unpacks it may stand before a .zip; what is damaged is told as such.
    named = next((kind for kind in (ZIP, TAR) if name.lower().endswith(f".{kind}")), None)
    return named if named and not first_bytes.other_kind(start, "") else None


def list_members(
    stream: IO[bytes], container: Container, label: str, max_bytes: float, notes: list[str]
) -> list[Member]:
    """Lists the members, in their order.

    Args:
      stream: The archive's bytes; of a compressed tar, decompressed.
      container: What it is.
      label: What names it in messages.
      max_bytes: How much they may unpack to in all.
      notes: Takes what to tell the user.

    Raises:
      UserError: They unpack to more, or one is encrypted.
    """
    listed, total = [], 0
    list_kind = _zip_members if container.kind == ZIP else _tar_members
    for member in list_kind(stream, container, label, notes):
        total += member.size_bytes
        # Before the next header is read: a .tar.gz has to be unpacked to list it, and may have no end.
        if total > max_bytes:
            raise UserError(f"{label} unpacks to more than {max_bytes / 1e9:g} GB; allow more with --max_unpacked_gb")
        listed.append(member)
    return listed


def _open_zip(stream: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except UnicodeDecodeError:
        raise zipfile.BadZipFile("the name of a member is marked as UTF-8, and is not") from None


def _zip_members(stream: IO[bytes], container: Container, label: str, notes: list[str]) -> Iterator[Member]:
    with _open_zip(stream) as archive:
        if unlisted := _bytes_before_the_first(archive, stream):
            notes.append(
                f"{label} begins with {unlisted:,} bytes that its list of members does not name, and that are not "
                f"read; give .zip files one by one: `head -c {unlisted} FILE > first.zip` takes off what was put before"
            )
        for index, info in enumerate(archive.infolist()):
            name = _zip_name(info)
            if info.flag_bits & 1:
                raise UserError(f"{label}: {name} is encrypted; unpack it first")
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            if not info.is_dir():
                yield Member(index, name, info.file_size, "a link" if is_link else None)


def _bytes_before_the_first(archive: zipfile.ZipFile, stream: IO[bytes]) -> int:
    """Counts the bytes of other members before the first that is listed, as `cat a.zip b.zip` makes them."""
    stream.seek(0)
    # A program that unpacks it may stand there as well, and holds no rows.
    if not first_bytes.is_zip(stream.read(4)):
        return 0
    return min((info.header_offset for info in archive.infolist()), default=0)


def _zip_name(info: zipfile.ZipInfo) -> str:
    # Names without the mark of UTF-8 are taken for those of MS-DOS, though most writers today mean UTF-8 there too.
    try:
        is_marked = info.flag_bits & 0x800
        return info.filename if is_marked else info.filename.encode("cp437").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return info.filename  # A field beside it holds the name in UTF-8 as well.


def _tar_members(stream: IO[bytes], container: Container, label: str, notes: list[str]) -> Iterator[Member]:
    sizes: dict[str, tuple[int, int]] = {}
    last: str | None = None
    with _open_tar(stream, container) as archive:
        end, infos = None, enumerate(archive)
        while True:
            try:
                index, info = next(infos)
            except StopIteration:
                break
            except (tarfile.TarError, DamagedData, EOFError) as error:
                if last is None:
                    raise
                # What comes before can be read.
                notes.append(f"{label} is damaged behind its member {last}: {error}")
                return
            end, last = archive.offset, printable(info.name)
            # A hard link stands for a file before it.
            target, size_bytes = sizes.get(info.linkname, (index, 0)) if info.islnk() else (index, info.size)
            not_a_file = _not_a_file(info, is_dangling=info.islnk() and target == index)
            if not_a_file is None:
                sizes[info.name] = (target, size_bytes)
            if not info.isdir():
                yield Member(target, printable(info.name), size_bytes, not_a_file)
        # It has counted on past blocks of zeros, if there were any.
        if archive.offset == end:
            notes.append(
                f"{label} ends without the blocks of zeros that end every .tar, and may be cut short behind a member; "
                "compare its size with that of the original"
            )


def _not_a_file(info: tarfile.TarInfo, *, is_dangling: bool) -> str | None:
    """What a member is, if it is no file and no hard link to one."""
    if info.issym() or is_dangling:
        return f"a link to {printable(info.linkname)}"
    return None if info.isfile() or info.islnk() else "a device or a pipe"


class _CheckedTarInfo(tarfile.TarInfo):
    """The header of a member, where one that is damaged is an error."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            # Reading on behind the blocks of zeros at the end of a tar, tarfile would pass damage over in silence, with
            # all members up to the next header.
            if any(buf):
                raise tarfile.ReadError(f"what should be the header of a member is none: {error}") from None
            raise


def _open_tar(stream: IO[bytes], container: Container) -> tarfile.TarFile:
    return tarfile.open(
        fileobj=stream,
        # A stream is read forward alone; where the tar lies plain, what is not wanted is skipped by seeking.
        mode="r|" if container.compression else "r:",
        # Behind its end another one may come, as `cat a.tar b.tar` makes them.
        ignore_zeros=True,
        tarinfo=_CheckedTarInfo,
        encoding="utf-8",
        errors="surrogateescape",
    )


def iter_open(stream: IO[bytes], container: Container, counts: dict[int, int]) -> Iterator[tuple[int, IO[bytes]]]:
    """Opens members one after the other; each is read before the next is asked for.

    Of a tar this is one pass over it, which a compressed one can only be read in.

    Args:
      stream: The archive's bytes; of a compressed tar, decompressed.
      container: What it is.
      counts: How often each is to be opened, by its index.
    """
    if container.kind == ZIP:
        with zipfile.ZipFile(stream) as archive:
            for index in sorted(counts):
                with archive.open(archive.infolist()[index]) as member:
                    yield index, member
        return
    with _open_tar(stream, container) as archive:
        for index, info in enumerate(archive):
            if index in counts:
                data = archive.extractfile(info)
                assert data is not None  # Of a file it never is.
                for copy in _copies(data, counts[index]):
                    yield index, copy


def _copies(data: IO[bytes], count: int) -> Iterator[IO[bytes]]:
    """The same bytes several times; they can be read once."""
    if count == 1:
        yield data
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(data, copy)
        for _ in range(count):
            copy.seek(0)
            yield copy

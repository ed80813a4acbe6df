"""Which members of a .zip or .tar are read."""

import collections
import contextlib
import dataclasses
from collections.abc import Iterator
from typing import IO

from beam_pipelines.archive.finding import decompression, first_bytes, formats, found_files, input_files, zip_and_tar
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.finding.zip_and_tar import Container, Member
from beam_pipelines.errors import UserError
from beam_pipelines.files import globs
from beam_pipelines.reporting.phrases import shortened, some_of

_NO_FORMAT = "its name tells no format that is read"


def list_files(
    archive: InputFile,
    container: Container,
    raw: IO[bytes],
    wanted: tuple[str, ...],
    *,
    input_format: str | None,
    max_bytes: float,
    notes: list[str],
) -> tuple[InputFile, ...]:
    """Lists the members that may be read: their names tell a format, or the user does.

    Args:
      archive: The .zip or .tar.
      container: What it is.
      raw: Its bytes as they lie.
      wanted: Globs of the members that are wanted; () for all.
      input_format: The format of all, if not that which their names tell.
      max_bytes: How much they may unpack to in all.
      notes: Takes what to tell the user.

    Raises:
      UserError: There is none, or none of a wanted name.
    """
    members = _read_list(archive, container, raw, max_bytes, notes)
    chosen = _choose(archive, members, wanted) if wanted else [m for m in members if not _holds_no_rows(m.name)]
    why_not = [_why_not(member, input_format) for member in chosen]
    told = some_of([f"{shortened(member.name)} ({why})" for member, why in zip(chosen, why_not, strict=True) if why])
    kept = [member for member, why in zip(chosen, why_not, strict=True) if not why]
    if not kept:
        add = f"; {found_files.ADD_FORMAT}" if _NO_FORMAT in why_not else ""
        raise UserError(f"{archive.label} holds no file that is read{': ' * bool(told)}{told}{add}")
    if told:
        notes.append(f"{archive.label}: not read: {told}")
    return tuple(_files(archive, container, kept))


def _read_list(
    archive: InputFile, container: Container, raw: IO[bytes], max_bytes: float, notes: list[str]
) -> list[Member]:
    """Lists all members.

    Raises:
      UserError: It is damaged, unpacks to too much, or is what an office program saves.
    """
    with (
        input_files.damage_as_user_error(archive.label, "an archive of files"),
        _named_where_damaged(archive.label),
        decompression.decompress(raw, container.compression) as stream,
    ):
        members = zip_and_tar.list_members(stream, container, archive.label, max_bytes, notes)
    names = [member.name for member in members]
    if container.kind == zip_and_tar.ZIP and (other := first_bytes.other_kind_of_zip(names)):
        raise UserError(f"{archive.label} {other}")
    return members


@contextlib.contextmanager
def _named_where_damaged(label: str) -> Iterator[None]:
    """Names an office program's file by its name, where it is too damaged to tell by its members."""
    try:
        yield
    except input_files.DAMAGE as error:
        if other := first_bytes.damaged_office_file(label):
            raise UserError(f"{label} {other}") from error
        raise


def _holds_no_rows(name: str) -> bool:
    return zip_and_tar.is_hidden(name) or found_files.is_marker(name)


def _choose(archive: InputFile, members: list[Member], wanted: tuple[str, ...]) -> list[Member]:
    """Takes the members that match a glob, or lie in a folder of that name.

    Raises:
      UserError: Names the glob that matches none, and the members that there are.
    """
    indices: set[int] = set()
    names = [member.name.removeprefix("./") for member in members]
    for glob in wanted:
        found = _matching(names, glob)
        if not found:
            raise UserError(f"{archive.label} has no member {glob}; it has: {some_of(names) or 'none'}")
        indices |= found
    return [members[index] for index in sorted(indices)]


def _matching(names: list[str], glob: str) -> set[int]:
    """The indices of the names that match; without a slash, a glob matches what lies in folders as well."""
    path = glob.removeprefix("./")
    matches = [globs.matcher(end) for end in (path, f"{path}/**")]
    found = {index for index, name in enumerate(names) if any(is_match(name) for is_match in matches)}
    # Of several files of a name, a path that names one means that one.
    if "/" not in glob and (globs.has_wildcards(glob) or not found):
        last_names = {index: name.rpartition("/")[2] for index, name in enumerate(names) if not _holds_no_rows(name)}
        found |= {index for index, name in last_names.items() if matches[0](name)}
    return found


def _why_not(member: Member, input_format: str | None) -> str | None:
    """Why a member is not read, or None."""
    if member.not_a_file:
        return member.not_a_file
    if member.name.lower().endswith(formats.ARCHIVES):
        return "an archive itself; unpack it first"
    if other := first_bytes.other_kind_named(member.name):
        return other.removeprefix("is ")
    if input_format or formats.format_of(member.name)[0]:
        return None
    kind = first_bytes.office_kind_named(member.name)
    return f"{kind}; {first_bytes.EXPORT}" if kind else _NO_FORMAT


def _files(archive: InputFile, container: Container, members: list[Member]) -> Iterator[InputFile]:
    count_by_name: collections.Counter[str] = collections.Counter()
    for member in members:
        name = shortened(member.name)
        count_by_name[name] += 1
        count = count_by_name[name]
        # A .tar that was added to may hold a name twice; a label has to name one file.
        label = name if count == 1 else f"({count}) {name}"
        yield dataclasses.replace(
            archive,
            size_bytes=member.size_bytes,
            member=label,
            member_index=member.index,
            name=f"{archive.name}:{label}",
            container=container,
            format=formats.format_of(name)[0] or archive.format,
        )

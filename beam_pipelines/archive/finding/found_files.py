"""Finds the files that `--input` names; what they hold is for `look` to tell."""

import dataclasses
import itertools
import os
import re
import stat
from collections.abc import Iterable

from beam_pipelines.archive.finding import formats, pipes
from beam_pipelines.errors import UserError
from beam_pipelines.files import globs, storage
from beam_pipelines.reporting.phrases import printable, some_of

# What Spark, Delta Lake and Parquet writers put beside their parts, files and folders; it holds no rows of its own.
_MARKER = re.compile(
    r"(?s)(.*/)?(_SUCCESS|_committed_[^/]*|_started_[^/]*|_metadata|_common_metadata"
    r"|(_delta_log|_change_data|_spark_metadata|_temporary)/.*)"
)
ADD_FORMAT = "add --input_format csv, tsv, jsonl or parquet"


@dataclasses.dataclass(frozen=True)
class FoundFile:
    """A file as a listing tells it.

    Attributes:
      path: Where it lies.
      size_bytes: Its size there.
      modified: When it was last written, in seconds since 1970; None where that is not known.
      pipe: The path of the pipe that it comes through, or None.
      members: Globs of the members that are wanted, if it is a .zip or .tar; () for all.
      index: Its index among all, from 0: they are sorted by path.
      name: What names it in ids: its label without the folders that all files have in common.
    """

    path: str
    size_bytes: int
    modified: float | None = None
    pipe: str | None = None
    members: tuple[str, ...] = ()
    index: int = 0
    name: str = ""

    @property
    def source(self) -> str:
        """Where it comes from, which no other file does."""
        return self.pipe or self.path

    @property
    def label(self) -> str:
        """What names it in messages, where two files may print alike."""
        return printable(self.source)


@dataclasses.dataclass
class _Found:
    """What is found so far.

    Attributes:
      flag: By which all of it was named.
      files: By path.
      folders: Folders that a glob matches, with the glob.
      markers: Files and folders that were left out since they hold no rows; those end with a slash.
      notes: What to tell the user.
    """

    flag: str = "--input"
    files: dict[str, FoundFile] = dataclasses.field(default_factory=dict)
    folders: dict[str, str] = dataclasses.field(default_factory=dict)
    markers: set[str] = dataclasses.field(default_factory=set)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, file: FoundFile) -> None:
        """Adds a file, with the members that were asked for before and those that are now."""
        before = self.files.get(file.path, file)
        members = before.members + file.members if before.members and file.members else ()
        self.files[file.path] = dataclasses.replace(file, members=tuple(dict.fromkeys(members)))


def find(
    inputs: Iterable[str], input_format: str | None = None, flag: str = "--input"
) -> tuple[list[FoundFile], list[str]]:
    """Finds the files of some globs, paths and folders, each once, sorted by path; a pipe becomes a temporary file.

    Args:
      inputs: As the user gave them.
      input_format: The format of all files, if not that which their names tell.
      flag: By which they were given.

    Returns:
      The files, and what to tell the user, a sentence each.

    Raises:
      UserError: One of the inputs matches no file, or something that cannot be read.
    """
    found = _Found(flag)
    for given in inputs:
        if not given:
            # Else it would be the working folder, where a shell's variable is not set.
            raise UserError(f"{flag} '' names no file")
        given = "/dev/stdin" if given == "-" else given
        path = storage.absolute(given)
        if not (_add_path(path, given, found, input_format) or _add_matches(path, given, found)):
            _add_members(path, given, found)
    _tell_of_folders(found)
    _tell_of_markers(found)
    # Extents are named by a file's index, so a resumed job has to find the same order, whatever that of the flags.
    return numbered([_spooled(found.files[path]) for path in sorted(found.files)]), found.notes


def numbered(files: list[FoundFile]) -> list[FoundFile]:
    """Gives files their indices, and names without the folders that they have in common."""
    shared = _count_shared_folders(file.source for file in files)
    return [
        dataclasses.replace(file, index=index, name="/".join(file.label.split("/")[shared:]))
        for index, file in enumerate(files)
    ]


def added(one: FoundFile, index: int, new: list[FoundFile]) -> list[FoundFile]:
    """Gives files that come later their indices, from one on, and names that none of those before has.

    They are named by the folder of one of these; what lies elsewhere, by its whole path.
    """
    folder = one.label.removesuffix(one.name)
    return [
        dataclasses.replace(file, index=place, name=file.label.removeprefix(folder))
        for place, file in enumerate(new, index)
    ]


def _count_shared_folders(paths: Iterable[str]) -> int:
    """Counts the folders from the root on that all files have in common.

    >>> _count_shared_folders(["/in/a/1.csv", "/in/b/1.csv"]), _count_shared_folders(["/in/a/1.csv"])
    (2, 3)
    """
    names_by_depth = zip(*(path.split("/")[:-1] for path in paths), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, names_by_depth))


def is_marker(name: str) -> bool:
    """Tells whether a path within a folder is that of a file without rows, which writers put beside their parts.

    >>> [is_marker(name) for name in ("_SUCCESS", "stars=5/_started_17", "_delta_log/0.json", "_reviews.csv")]
    [True, True, True, False]
    """
    return bool(_MARKER.fullmatch(name))


def _add_path(path: str, given: str, found: _Found, input_format: str | None) -> bool:
    """Adds what has this very path; a name may hold brackets, which would be a class of characters, or a colon."""
    if storage.is_local(path):
        if os.path.isdir(path):
            _add_folder(path, given, found, input_format)
        elif os.path.lexists(path):
            found.add(_local_file(path, found.flag))
        else:
            return False
        return True
    if globs.has_wildcards(path):
        return False
    path = path.rstrip("/")
    for exact, status in storage.match(path).files.items():
        found.add(FoundFile(exact, *status))
        return True
    return bool(storage.match_below(path).files) and _add_folder(path, given, found, input_format)


def _add_folder(folder: str, given: str, found: _Found, input_format: str | None) -> bool:
    """Adds the files below a folder whose names tell their format."""
    matches = storage.match_below(folder)
    _refuse_unreadable(matches)
    found.notes += _notes_of_unlisted(matches)
    others, added = [], False
    for path, status in matches.files.items():
        name = path[len(folder.rstrip("/")) + 1 :]
        if is_marker(name):
            found.markers.add(path)
        elif input_format or formats.tells_format(name):
            found.add(_file(path, status, found.flag))
            added = True
        else:
            others.append(printable(name))
    if not added:
        why = f"without a file whose name tells its format; {ADD_FORMAT}" if others else "without a file"
        raise UserError(f"{found.flag} {printable(given)} is a folder {why}")
    if others:
        told = some_of(sorted(others))
        found.notes.append(f"{printable(given)}: not read, since the name tells no format that is read: {told}")
    return True


def _add_matches(path: str, given: str, found: _Found) -> bool:
    """Adds the files that match a glob; tells whether there is any, or a folder."""
    matches = storage.match(path)
    _refuse_unreadable(matches)
    found.notes += _notes_of_unlisted(matches)
    start = len(os.path.dirname(globs.before_wildcards(path))) + 1
    for match, status in matches.files.items():
        if is_marker(match[start:]):
            found.markers.add(match)
        else:
            found.add(_file(match, status, found.flag))
    for folder in matches.folders:
        if is_marker(f"{folder[start:]}/"):
            found.markers.add(f"{folder}/")
        else:
            found.folders[folder] = given
    return bool(matches.files or matches.folders)


def _add_members(path: str, given: str, found: _Found) -> None:
    """Adds the members of ARCHIVE:MEMBER, where both may be globs.

    Raises:
      UserError: There is no such archive.
    """
    for colon in re.finditer(r":(?!//)", path):
        archive, member = path[: colon.start()], path[colon.end() :]
        files = storage.match(archive).files
        if storage.is_local(archive) and os.path.isfile(archive):
            files = {archive: (os.path.getsize(archive), os.path.getmtime(archive))}
        for file, status in files.items():
            found.add(dataclasses.replace(_file(file, status, found.flag), members=(member,)))
        if files:
            return
    raise UserError(f"{found.flag} {printable(given)} matches no file")


def _file(path: str, status: tuple[int, float], flag: str) -> FoundFile:
    return _local_file(path, flag) if storage.is_local(path) else FoundFile(path, *status)


def _local_file(path: str, flag: str) -> FoundFile:
    """Finds a file, a pipe, or what a path below /dev stands for.

    Raises:
      UserError: It is something else, or cannot be read.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise UserError(printable(f"{path} {globs.why_unreadable(path, error)}")) from error
    if stat.S_ISREG(status.st_mode):
        # In another process `/dev/stdin` would be another file; one that is deleted by now is copied as a pipe is.
        real = os.path.realpath(path) if path.startswith(("/dev/", "/proc/")) else path
        if real == path or os.path.exists(real):
            return FoundFile(real, status.st_size, status.st_mtime)
    elif not stat.S_ISFIFO(status.st_mode):
        kind = "a socket" if stat.S_ISSOCK(status.st_mode) else "a device"
        raise UserError(f"{printable(path)} is {kind}; {flag} takes files, and pipes such as `zcat a.gz | ...`")
    return FoundFile(path, 0, pipe=path)


def _spooled(file: FoundFile) -> FoundFile:
    if not file.pipe:
        return file
    copy = pipes.spool(file.pipe)
    return dataclasses.replace(file, path=copy, size_bytes=os.path.getsize(copy))


def _refuse_unreadable(matches: globs.GlobMatches) -> None:
    for path, why in sorted(matches.unreadable.items()):
        raise UserError(printable(f"{path} {why}"))


def _notes_of_unlisted(matches: globs.GlobMatches) -> list[str]:
    return [printable(f"{folder} {why}: its files are left out") for folder, why in sorted(matches.unlisted.items())]


def _tell_of_folders(found: _Found) -> None:
    """Tells of folders that match a glob and whose files are not read.

    Raises:
      UserError: One has a name as files of rows have it, as Spark names the folder of its parts, or there is no file.
    """
    for folder in globs.without_matches(found.folders, found.files):
        given = printable(found.folders[folder])
        told = f"{printable(folder)} is a folder, and its files are left out by {found.flag} {given}"
        if formats.tells_format(folder) or not found.files:
            raise UserError(f"{told}; add {found.flag} {printable(folder)} to read them")
        found.notes.append(told)


def _tell_of_markers(found: _Found) -> None:
    """Tells of what was left out since it holds no rows.

    Raises:
      UserError: There is nothing else.
    """
    if not found.markers:
        return
    names = some_of(sorted({printable(os.path.basename(path.rstrip("/"))) for path in found.markers}))
    if not found.files:
        raise UserError(f"{found.flag} matches nothing but what holds no rows: {names}")
    kind = "files and folders" if any(path.endswith("/") for path in found.markers) else "files"
    found.notes.append(f"left out, since they hold no rows: {len(found.markers):,} {kind} ({names})")

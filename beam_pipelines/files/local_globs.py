"""Finds the local files of a glob, by following links: each real folder once."""

import collections
import contextlib
import os
import stat
from collections.abc import Callable, Iterator

from beam_pipelines.files import globs
from beam_pipelines.files.globs import GlobMatches


def match_local(glob: str) -> GlobMatches:
    """Finds what matches a glob; without a wildcard, whatever has its name."""
    prefix = globs.before_wildcards(glob)
    if prefix == glob:
        return _select(iter([glob] if os.path.lexists(glob) else []), lambda path: True)
    return _select(_walk(os.path.dirname(prefix), globs.most_slashes(glob)), globs.matcher(glob))


def files_below(folder: str) -> GlobMatches:
    """Finds what `FOLDER/**` matches, whatever characters the folder's name has."""
    start = len(folder.rstrip("/"))
    is_match = globs.matcher("/**")
    return _select(_walk(folder, globs.most_slashes("**")), lambda path: is_match(path[start:]))


def _select(entries: Iterator[str | OSError], is_match: Callable[[str], object]) -> GlobMatches:
    matches = GlobMatches({})
    for entry in entries:
        if isinstance(entry, OSError):
            matches.unlisted[entry.filename] = globs.why_unreadable(entry.filename, entry)
        elif is_match(entry):
            _add(entry, matches)
    matches.folders = globs.without_matches(matches.folders, matches.files)
    return matches


def _add(path: str, matches: GlobMatches) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        # Else it was deleted since it was listed.
        if os.path.lexists(path):
            matches.unreadable[path] = globs.why_unreadable(path, error)
        return
    if not stat.S_ISDIR(status.st_mode):
        matches.files[path] = (status.st_size, status.st_mtime)
        return
    with contextlib.suppress(OSError):
        matches.folders += [path] if os.listdir(path) else []


def _walk(folder: str, most_slashes: float) -> Iterator[str | OSError]:
    """Yields the paths below a folder, those of folders too, and the errors of folders that cannot be listed."""
    seen: set[tuple[int, int]] = set()
    # Links to folders are followed last: what lies in the tree itself keeps the path that it has there.
    linked = collections.deque([folder])
    while linked:
        waiting, linked = linked, collections.deque()
        while waiting:
            current = waiting.popleft()
            try:
                entries = _list_once(current, seen)
            except OSError as error:
                yield error
                continue
            for entry in entries:
                path = os.path.join(current, entry.name)
                yield path
                if path.count("/") < most_slashes and entry.is_dir():
                    (linked if entry.is_symlink() else waiting).append(path)


def _list_once(folder: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Lists a folder by name; nothing of one that was seen by another path, or is none."""
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []

"""Finds the files that `--input` names; what they hold is for `look` to tell."""

import dataclasses
import os
from collections.abc import Iterable

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage


@dataclasses.dataclass(frozen=True)
class FoundFile:
    """A file as a listing tells it.

    Attributes:
      path: Where it lies.
      size_bytes: Its size there.
      modified: When it was last written, in seconds since 1970; None where that is not known.
    """

    path: str
    size_bytes: int
    modified: float | None = None


def find(globs: Iterable[str]) -> list[FoundFile]:
    """Finds the files of some globs, each once, sorted by path.

    Raises:
      UserError: A glob matches no file.
    """
    matched: dict[str, FoundFile] = {}
    for glob in globs:
        files = _match(storage.absolute(glob))
        if not files:
            raise UserError(f"--input {glob} matches no file")
        matched |= {file.path: file for file in files}
    # Blocks are named by a file's index, so a resumed job has to find the same order, whatever that of the flags.
    return [matched[path] for path in sorted(matched)]


def _match(glob: str) -> list[FoundFile]:
    # A name may hold brackets, which would be a class of characters.
    if storage.is_local(glob) and os.path.isfile(glob):
        return [FoundFile(glob, os.path.getsize(glob), os.path.getmtime(glob))]
    if storage.is_local(glob) and os.path.isdir(glob):
        raise UserError(f"--input {glob} is a folder; name its files, such as '{glob}/*.csv'")
    return [FoundFile(path, size_bytes, modified) for path, (size_bytes, modified) in storage.match(glob).items()]

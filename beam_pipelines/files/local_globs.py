"""Finds the local files of a glob, by the rules that Beam's file systems have for object stores.

`*` matches within a name, dotfiles too; `**` matches across folders; `?` and `[!...]` match a slash as well. Python's
`glob` differs, its `**` stands for whole folders; but a glob has to mean the same on a disk and on s3://.
"""

import fnmatch
import os
import re
from collections.abc import Iterator

# A class ends at the first bracket that is not its first character; a bracket without an end is a letter.
_TOKENS = re.compile(r"\*\*|\*|\[!?+\]?+[^\]]*\]|\[|[^*\[]+")
_STARS = {"**": "(?s:.*)", "*": r"[^/\\]*"}


def match_local(glob: str) -> dict[str, tuple[int, float]]:
    """Finds the files of a glob; without a wildcard, whatever has its name.

    Links to files count, and links to folders are not followed. A folder that cannot be read has no files.

    Returns:
      By path, the size in bytes and the time of writing in seconds since 1970.
    """
    if glob.endswith(("/", "\\")):
        glob += "*"
    before_wildcard = re.split(r"[\[*?]", glob, maxsplit=1)[0]
    if before_wildcard == glob:
        paths = iter([glob])
    else:
        is_match = re.compile("".join(_regular(token) for token in _TOKENS.findall(glob))).fullmatch
        paths = (path for path in _walk(os.path.dirname(before_wildcard)) if is_match(path))
    return {path: status for path in paths if (status := _status(path))}


def _regular(token: str) -> str:
    # Python ends what it translates with an anchor, which must not stand within a longer expression.
    return _STARS.get(token) or fnmatch.translate(token).removesuffix(r"\Z")


def _walk(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in names)


def _status(path: str) -> tuple[int, float] | None:
    try:
        status = os.stat(path)
    except OSError:  # There is none, it is a link to nothing, or it was deleted since it was listed.
        return None
    return status.st_size, status.st_mtime

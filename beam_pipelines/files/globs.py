"""What a glob matches: the same on a disk as among the objects of a store.

`*` matches within a name, `**` across folders; `?` and `[!...]` match a slash as well. So far these are the rules of
Beam's file systems; Python's `glob` differs, its `**` stands for whole folders. As in a shell, a wildcard does not
match the dot that a name begins with.
"""

import dataclasses
import fnmatch
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator

# A class ends at the first bracket that is not its first character; a bracket without an end is a letter.
_TOKENS = re.compile(r"\*\*|\*|\?|\[!?+\]?+[^\]]*\]|\[|[^*?\[]+")
_NO_LEADING_DOT = r"(?!(?<![^/])\.)"
_STARS = {"**": rf"(?s:(?:(?!/\.).)*){_NO_LEADING_DOT}", "*": r"[^/\\]*"}


@dataclasses.dataclass
class GlobMatches:
    """What matches a glob.

    Attributes:
      files: By path, the size in bytes and the time of writing in seconds since 1970.
      folders: Folders that match, hold something, and have no file that matches below.
      unreadable: By path, why what matches cannot be read, such as a link to nothing.
      unlisted: By path, why a folder could not be looked into.
    """

    files: dict[str, tuple[int, float]]
    folders: list[str] = dataclasses.field(default_factory=list)
    unreadable: dict[str, str] = dataclasses.field(default_factory=dict)
    unlisted: dict[str, str] = dataclasses.field(default_factory=dict)


def before_wildcards(glob: str) -> str:
    """What a glob begins with, up to its first wildcard.

    >>> before_wildcards("in/a*.csv"), before_wildcards("in/a.csv")
    ('in/a', 'in/a.csv')
    """
    return re.split(r"[\[*?]", glob, maxsplit=1)[0]


def has_wildcards(glob: str) -> bool:
    return before_wildcards(glob) != glob


def matcher(glob: str) -> Callable[[str], object]:
    """Makes a function that tells whether a path matches a glob.

    >>> [bool(matcher("in/*.csv")(path)) for path in ("in/a.csv", "in/.a.csv", "in/b/a.csv")]
    [True, False, False]
    """
    return re.compile("".join(_regular(token) for token in _TOKENS.findall(glob))).fullmatch


def _regular(token: str) -> str:
    if token[0] not in "*?[" or token == "[":
        return re.escape(token)
    # Python ends what it translates with an anchor, which must not stand within a longer expression.
    return _NO_LEADING_DOT + (_STARS.get(token) or fnmatch.translate(token).removesuffix(r"\Z"))


def most_slashes(glob: str) -> float:
    """How many slashes a path that matches can have."""
    return math.inf if "**" in glob else sum(glob.count(token) for token in "/?[")


def without_matches(folders: Iterable[str], files: Iterable[str]) -> list[str]:
    """Leaves out the folders that have one of some files below."""
    candidates = set(folders)
    holding = {folder for path in files for folder in parents(path)} if candidates else set()
    return sorted(candidates - holding)


def parents(path: str) -> Iterator[str]:
    """The folders around a path, from the innermost.

    >>> list(parents("/in/a/b.csv"))
    ['/in/a', '/in']
    """
    while (path := os.path.dirname(path)) and not path.endswith("/"):
        yield path


def why_unreadable(path: str, error: OSError) -> str:
    """The end of a sentence that begins with a path which cannot be read."""
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return f"is a link to {os.readlink(path)}, which does not exist"
    return f"cannot be read: {error.strerror}"

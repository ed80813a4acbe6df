r"""Looks at the first line of a text file: whether it is a header, and what it says of the file."""

import difflib
import re
from collections.abc import Sequence

SHOWN_NAMES, SHOWN_CHARACTERS = 30, 40
# No name of a column is so long, or has so many words.
_LONGEST_NAME, _MOST_WORDS = 60, 6
_DELIMITERS = ",;\t|"
# The marks of UTF-32 begin with those of UTF-16.
_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# So much of the first line tells where its zeros stand.
_PEEKED = 200
_SEP_LINE = re.compile(rb"\"?sep=(.)\"?[,;\t|]*\r?\n?", re.IGNORECASE)


def named_delimiter(line: bytes) -> str | None:
    """Returns the delimiter that a spreadsheet's first line names.

    >>> named_delimiter(b"sep=;\\r\\n"), named_delimiter(b"separator,text")
    (';', None)
    """
    match = _SEP_LINE.fullmatch(line)
    return match[1].decode("ascii", "replace") if match else None


def wide_encoding(line: bytes) -> str | None:
    """Returns the form of UTF-16 or UTF-32 that a line is in, by its mark or by the zeros of its letters."""
    marked = next((name for mark, name in _MARKS.items() if line.startswith(mark)), None)
    if marked:
        return marked
    even, odd = line[:_PEEKED:2], line[1:_PEEKED:2]
    # At most one of two bytes of other encodings is zero only where the file is no text.
    if len(odd) > 1 and odd.count(0) > len(odd) // 2 and not even.count(0):
        return "utf-16le"
    return "utf-16be" if len(even) > 1 and even.count(0) > len(even) // 2 and not odd.count(0) else None


def is_like_row(names: Sequence[str]) -> bool:
    """Tells whether what should be names of columns are values: a number, a label, or a long text.

    >>> [is_like_row(names) for names in (["id", "text"], ["1", "A fine film"], ["id", "2024"], ["", "0", "1"])]
    [False, True, False, False]
    """
    numbers = [name.strip() for name in names if re.fullmatch(r"\s*[-+]?\d+(?:[.,]\d+)?\s*", name)]
    # Names too: years, and what pandas makes of columns without any.
    is_named = all(re.fullmatch(r"(?:19|20)\d\d", number) for number in numbers)
    is_named = is_named or [name for name in names if name] == [str(index) for index in range(len(numbers))]
    return not is_named or any(_is_text(name) for name in names)


def _is_text(name: str) -> bool:
    # Surveys have questions for names.
    is_long = (len(name) > _LONGEST_NAME or len(name.split()) > _MOST_WORDS) and not name.rstrip().endswith("?")
    return is_long or name.startswith("__label__")


def is_drawn(line: str) -> bool:
    """Tells whether a line is of a table that is drawn with characters, as clients of databases print it.

    >>> [is_drawn(line) for line in ("+----+------+", "| id | body |", " id | body ", "id|body")]
    [True, True, True, False]
    """
    return bool(re.match(r"\s*(?:\+-|\|\s)", line) or " | " in line)


def listed(names: Sequence[str]) -> str:
    r"""Lists names for a message; what cannot be seen is shown as an escape.

    >>> listed(["body", " stars", "te\N{ZERO WIDTH SPACE}xt"])
    "body, ' stars', 'te\\u200bxt'"
    """
    shown = [_visible(name) for name in names[:SHOWN_NAMES]]
    more = len(names) - len(shown)
    return ", ".join([*shown, *([f"{more:,} more"] if more > 0 else [])]) or "none"


def _visible(name: str) -> str:
    cut = name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}..."
    # White space around a name is part of it, and easily overlooked.
    return cut if cut == cut.strip() and cut.isprintable() and cut else repr(cut)


def delimiter_hint(name: str, wanted: str) -> str:
    r"""Says which delimiter would make a column of a part of a header's only name; "" where none shows.

    >>> delimiter_hint("id;stars;body", "body"), delimiter_hint("id::stars::body", "body")
    ("add --csv_delimiter ';'", "write one character in place of '::' first, as sed 's/::/\\t/g' does")
    """
    for delimiter in dict.fromkeys(character for character in name if not (character.isalnum() or character in '_"')):
        if delimiter.isascii() and wanted in [part.strip('"') for part in name.split(delimiter)]:
            if name.count(delimiter) == 2 * name.count(2 * delimiter):
                return f"write one character in place of {2 * delimiter!r} first, as sed 's/{2 * delimiter}/\\t/g' does"
            return f"add --csv_delimiter {delimiter!r}"
    return "is --csv_delimiter right?" if any(delimiter in name for delimiter in _DELIMITERS) else ""


def close_name(wanted: str, names: Sequence[str]) -> str | None:
    """Returns the name that was probably meant: it differs in case, in what cannot be seen, or little."""
    plain = {_plain(name): name for name in reversed(names)}
    close = difflib.get_close_matches(_plain(wanted), plain, n=1, cutoff=0.8)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return "".join(character for character in name if character.isprintable()).strip().lower()

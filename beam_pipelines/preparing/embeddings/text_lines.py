"""What a line of a file of vectors holds: a word and its numbers, a header, or something else."""

import collections
import dataclasses
import re

import numpy as np

from beam_pipelines.errors import UserError

_NUMBER = re.compile(
    rb"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan(\(\w*\))?|inf(inity)?|1\.#(ind|qnan|snan|inf)\w*)", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(rb"[+-]?\d+,\d+")
_CONFLICT_MARKER = re.compile(rb"(<{7}|={7}|>{7}|\|{7})( |$)")
# An exponent from 10 may lead beyond float32.
_LARGE_EXPONENT = re.compile(rb"[eE]\+?\d\d")


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the lines of a file are made.

    Attributes:
      dim: How many numbers follow each word.
      header_line: The number of the line that announces the words and `dim`; None where there is none.
      announced: How many words it announces.
    """

    dim: int
    header_line: int | None = None
    announced: int = 0


def clean(line: bytes) -> bytes:
    """Takes off the end of a line. White space is that of ASCII: a word may be, or hold, another one."""
    return line.rstrip(b" \t\r\n")


def layout_of(lines: list[bytes], source: str) -> Layout:
    """Finds how the lines of a file are made: a word may hold spaces, so that most of them decide.

    Args:
      lines: The first lines of the file, cleaned.
      source: What --embeddings says, for the messages.

    Raises:
      UserError: They are not words and numbers; it names the line.
    """
    fields = {number: line.split() for number, line in enumerate(lines, 1) if line}
    header_line = next((number for number in fields), None)
    header = fields.pop(header_line) if header_line and _is_header(fields[header_line]) else None
    if not fields:
        raise UserError(f"--embeddings {source} holds no vectors")
    counts = collections.Counter(map(_count_numbers, fields.values()))
    dim = max(counts, key=lambda count: counts[count])
    number = next(number for number in fields if _count_numbers(fields[number]) == dim)
    where = f"--embeddings {source}, line {number}"
    # A single number is a count of a list of words, or the size of something.
    if dim < 2:
        expected = "where a word and its vector should be, with spaces or tabs between"
        raise UserError(f"{where}: {what_is_wrong(lines[number - 1], expected)}")
    if header and int(header[1]) != dim:
        raise UserError(f"{where}: {dim} numbers, where line {header_line} announces {int(header[1])}")
    return Layout(dim, header_line, int(header[0])) if header else Layout(dim)


def _is_header(fields: list[bytes]) -> bool:
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _count_numbers(fields: list[bytes]) -> int:
    """How many numbers end a line; its first field is the word, even if it is a number."""
    count = 0
    while count < len(fields) - 1 and _NUMBER.fullmatch(fields[-1 - count]):
        count += 1
    return count


def what_is_wrong(line: bytes, otherwise: str) -> str:
    """Says what is wrong with a line that is no word and its numbers.

    Args:
      line: Cleaned.
      otherwise: How many numbers there should be, as a clause.
    """
    commas = [field.decode() for field in line.split() if _DECIMAL_COMMA.fullmatch(field)]
    if commas:
        return f"the number {commas[0]} has a decimal comma; write it with a point"
    count = _count_numbers(line.split())
    return f"{count} number{'' if count == 1 else 's'}, {otherwise}"


def split(line: bytes, dim: int) -> tuple[bytes, bytes] | None:
    """Parts a cleaned line into its word and its numbers; None where it has too few numbers, or too many."""
    if line.count(b" ") == dim and b"\t" not in line:
        word, _, numbers = line.partition(b" ")
        return word, numbers
    word, *numbers_of_it = line.rsplit(None, dim)
    if len(numbers_of_it) != dim or ((b" " in word or b"\t" in word) and _is_followed_by_numbers(word)):
        return None
    return word, b" ".join(numbers_of_it)


def _is_followed_by_numbers(word: bytes) -> bool:
    return all(_NUMBER.fullmatch(field) for field in word.split()[1:])


def are_usual(numbers: bytes) -> bool:
    """Tells, without reading the numbers, that they are finite."""
    # `in` is ten times as fast as a regular expression that looks for the same.
    if b"n" in numbers or b"N" in numbers:
        return False
    return not ((b"e" in numbers or b"E" in numbers) and _LARGE_EXPONENT.search(numbers))


def vector(numbers: bytes, dim: int) -> np.ndarray | None:
    """Reads numbers, float32 [dim], of which any may be infinite or no number; None where they are none."""
    fields = numbers.split()
    values: np.ndarray | None
    try:
        # Beyond float32 a number is infinite.
        with np.errstate(over="ignore"):
            values = np.array(fields, np.float32)
    except ValueError:
        # Windows writes what is no number in ways of its own.
        values = np.full(len(fields), np.nan, np.float32) if all(map(_NUMBER.fullmatch, fields)) else None
    return values if values is not None and len(values) == dim else None


def is_conflict_marker(line: bytes) -> bool:
    """Tells whether a line that holds no vector is what version control leaves where two versions differ."""
    return _CONFLICT_MARKER.match(line) is not None

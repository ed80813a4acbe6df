"""Rows that cannot be used: each is written with its file, its row number and its reason."""

import dataclasses
import json

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

# The file of a block's rejects, below the output.
REJECTED = "rejected/{block}.jsonl"
RAW_CHARACTERS = 2000
# The exit status of a job that rejected more than it was allowed to.
TOO_MANY = 3
_DIALECT = "are --csv_delimiter and --csv_quote right? "
_TEXT = "is --text_column right? "
# By how a reason begins, what may have been given wrongly.
HINTS = {
    "invalid_": "is --encoding right? ",
    "too_few_fields": _DIALECT,
    "too_many_fields": _DIALECT,
    "open_quote": _DIALECT,
    "broken_json": "is it one JSON object a line? ",
    "missing_text": _TEXT,
    "text_not_a_string": _TEXT,
    "score_not_a_number": "are the scores numbers such as 8.5? ",
    "score_out_of_range": "are --score_min and --score_max right? ",
}


@dataclasses.dataclass(frozen=True)
class Reject:
    """One row that cannot be used.

    Attributes:
      file: The path of its file, with `:MEMBER` in a .zip or .tar.
      row_number: Its line (text formats; the line that it starts on) or its row (Parquet), from 1.
      reason: A word for the summary, such as "empty_text".
      raw: What stood there, cut after 2,000 characters; \\xNN is a byte that is not valid in the encoding.
    """

    file: str
    row_number: int
    reason: str
    raw: str | None

    @classmethod
    def of(cls, file: str, row_number: int, reason: str, raw: object, *, encoding: str = "utf-8") -> "Reject":
        """Makes one from whatever was read: bytes in an encoding, text, or a row's values."""
        if isinstance(raw, bytes):
            # No encoding that is read takes more than four bytes for a character.
            raw = raw[: 4 * RAW_CHARACTERS].decode(encoding, "backslashreplace")
        elif not isinstance(raw, str):
            raw = json.dumps(raw, ensure_ascii=False, default=str)
        return cls(file, row_number, reason, raw[:RAW_CHARACTERS])


def json_lines(rejects: list[Reject], *, with_raw: bool = True) -> bytes:
    """Writes one JSON object a line, in the order of their row numbers; `raw` is null where it is not wanted."""
    ordered = sorted(rejects, key=lambda reject: reject.row_number)
    rows = [
        {
            "file": reject.file,
            "place": reject.row_number,
            "reason": reject.reason,
            "raw": reject.raw if with_raw else None,
        }
        for reject in ordered
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "replace")


def write_rejects(block: str, rejects: list[Reject], *, folder: str, with_raw: bool) -> None:
    """Writes the file of a block, if it has rejects."""
    if rejects:
        storage.write_bytes(folder, REJECTED.format(block=block), json_lines(rejects, with_raw=with_raw))


def empty_texts(texts: pa.Array) -> dict[int, str]:
    """Finds the texts that are null, or white space alone: by its index, the reason to reject a row.

    >>> empty_texts(pa.array(["good", " \\t", None]))
    {1: 'empty_text', 2: 'missing_text'}
    """
    length = pc.binary_length(pc.utf8_trim_whitespace(texts))
    reasons = dict.fromkeys(pc.indices_nonzero(pc.equal(length, 0)).to_pylist(), "empty_text")
    reasons |= dict.fromkeys(pc.indices_nonzero(pc.is_null(texts)).to_pylist(), "missing_text")
    return reasons


def hint(by_reason: dict[str, int]) -> str:
    """Asks for what may have been given wrongly where rows are rejected most often for such a reason."""
    worst = max(by_reason, key=lambda reason: by_reason[reason])
    return next((hint for start, hint in HINTS.items() if worst.startswith(start)), "")


def check_share(by_reason: dict[str, int], rows_read: int, allowed: float, output: str) -> None:
    """Fails a job that rejected more than the allowed share of its rows.

    Raises:
      UserError: Names the share and the reason that dominates; its exit status is 3.
    """
    share = sum(by_reason.values()) / max(rows_read, 1)
    if share > allowed:
        worst = max(by_reason, key=lambda reason: by_reason[reason])
        raise UserError(
            f"{share:.1%} of the rows were rejected, most often for {worst} ({by_reason[worst]:,}); "
            f"{hint(by_reason)}see {output}/rejected, and allow more with --max_rejected_share",
            status=TOO_MANY,
        )

"""Rows that cannot be used: each is written with its file, its row number and its reason."""

import codecs
import dataclasses
import json

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive import hints
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.rows.row_parsing import HEADER_RULE, OTHER_HEADER, REPEATED_HEADER
from beam_pipelines.errors import UserError, logger

# The file of an extent's rejects, below the output.
REJECTED = "rejected/{extent}.jsonl"
RAW_CHARACTERS = 2000
# The exit status of a job that rejected more than it was allowed to.
TOO_MANY = 3
# What is rejected for these is no review, so that rejecting it loses nothing.
NO_REVIEW = (REPEATED_HEADER, OTHER_HEADER, HEADER_RULE)
# Fewer rows of a sample say little.
LEAST_IN_SAMPLE = 20


@dataclasses.dataclass(frozen=True)
class Reject:
    """One row that cannot be used.

    Attributes:
      file: The path of its file, with `:MEMBER` in a .zip or .tar.
      row_number: Its line (text formats; the line that it starts on) or its row (Parquet), from 1.
      reason: A word for the summary, such as "empty_text".
      raw: What stood there, cut after 2,000 characters; \\xNN is a byte that is not valid in the encoding.
      position: Where its file stands among all files and their members.
    """

    file: str
    row_number: int
    reason: str
    raw: str | None
    position: tuple[int, int] = (0, 0)

    @classmethod
    def of(
        cls, file: InputFile, row_number: int, reason: str, raw: object, *, encodings: tuple[str, ...] = ("utf-8",)
    ) -> "Reject":
        """Makes one from whatever was read: bytes in one of some encodings, text, or a row's values."""
        if isinstance(raw, bytes):
            # No encoding that is read takes more than four bytes for a character.
            raw = _decode(raw[: 4 * RAW_CHARACTERS], encodings, is_whole=len(raw) <= 4 * RAW_CHARACTERS)
        elif not isinstance(raw, str):
            raw = json.dumps(raw, ensure_ascii=False, default=str)
        return cls(file.label, row_number, reason, raw[:RAW_CHARACTERS], file.position)

    @property
    def order(self) -> tuple[tuple[int, int], int]:
        """By which rejects are in the order of the archive."""
        return self.position, self.row_number


def _decode(data: bytes, encodings: tuple[str, ...], *, is_whole: bool) -> str:
    """Decodes what may end within a character, by the first encoding that it is valid in."""
    for encoding in encodings:
        try:
            return codecs.getincrementaldecoder(encoding)().decode(data, final=is_whole)
        except UnicodeDecodeError:
            continue
    return data.decode(encodings[0], "backslashreplace")


def json_lines(rejects: list[Reject], *, with_raw: bool = True) -> bytes:
    """Writes one JSON object a line, in the order of the archive; `raw` is null where it is not wanted."""
    ordered = sorted(rejects, key=lambda reject: reject.order)
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


def empty_texts(texts: pa.Array) -> dict[int, str]:
    """Finds the texts that are null, or white space alone: by its index, the reason to reject a row.

    >>> empty_texts(pa.array(["good", " \\t", None]))
    {1: 'empty_text', 2: 'missing_text'}
    """
    length = pc.binary_length(pc.utf8_trim_whitespace(texts))
    reasons = dict.fromkeys(pc.indices_nonzero(pc.equal(length, 0)).to_pylist(), "empty_text")
    reasons |= dict.fromkeys(pc.indices_nonzero(pc.is_null(texts)).to_pylist(), "missing_text")
    return reasons


def merge_damaged(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """Merges what is wrong with files, by label; of one that is damaged in several places, the same is told always."""
    return {label: min(filter(None, (one.get(label), other.get(label)))) for label in one.keys() | other.keys()}


def check_damage(damaged: dict[str, str], mode: str, way: str) -> None:
    """Names damaged files, and fails the job that has met them, all else being written, unless they may be rejected.

    Args:
      damaged: What is wrong with each, by its label.
      mode: Of `--damaged_files`.
      way: How the job is done again.

    Raises:
      UserError: Names the first one.
    """
    if not damaged:
        return
    file, what = next(iter(damaged.items()))
    more = f", and so are {len(damaged) - 1:,} more files" if len(damaged) > 1 else ""
    if mode == "reject":
        logger.warning("%s is %s%s; the rest of it is left out", file, what, more)
        return
    raise UserError(
        f"{file} is {what}{more}; all else is written: replace what is damaged and begin anew, or {way} "
        "--damaged_files reject to do without the rest of it"
    )


def check_share(
    by_reason: dict[str, int],
    remarks: dict[str, int],
    rows_read: int,
    *,
    allowed: float,
    output: str,
    unread_share: float = 0.0,
    of: str = "",
) -> None:
    """Fails a job that rejected more than the allowed share of its rows.

    Args:
      by_reason: The rejects.
      remarks: What was noticed of them.
      rows_read: How many rows there were.
      allowed: The share, in [0, 1].
      output: The folder of the job.
      unread_share: The share of the archive's bytes that cannot be read; as much of its rows is taken for lost.
      of: Tells whose rows, where there are others.

    Raises:
      UserError: Names the share and the reason that dominates; its exit status is 3.
    """
    lost = _lost(by_reason)
    share = unread_share + (1 - unread_share) * sum(lost.values()) / max(rows_read, 1)
    if share > allowed:
        worst = max(lost, key=lambda reason: lost[reason])
        unread = f", {unread_share:.1%} of the archive cannot be read" if unread_share else ""
        raise UserError(
            f"{share:.1%} of the rows{of} were rejected, most often for {worst} ({lost[worst]:,}){unread}; "
            f"{hints.hint(lost, remarks, rows_read)}see {output}/rejected, and allow more with --max_rejected_share",
            status=TOO_MANY,
        )


def check_sample(
    by_reason: dict[str, int], remarks: dict[str, int], rows_read: int, *, allowed: float, of: str = ""
) -> None:
    """Stops a job before it costs hours, where more than twice the allowed share of a sample is rejected.

    The arguments are those of `check_share`, of the sample.

    Raises:
      UserError: Names the share and the reason that dominates; its exit status is 3.
    """
    lost = _lost(by_reason)
    share = sum(lost.values()) / max(rows_read, 1)
    if share > 2 * allowed and sum(lost.values()) >= LEAST_IN_SAMPLE:
        worst = max(lost, key=lambda reason: lost[reason])
        raise UserError(
            f"{share:.1%} of {rows_read:,} rows of a sample{of} would be rejected, most often for {worst} "
            f"({lost[worst]:,}); {hints.hint(lost, remarks, rows_read)}allow more with --max_rejected_share",
            status=TOO_MANY,
        )


def _lost(by_reason: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in by_reason.items() if reason not in NO_REVIEW}

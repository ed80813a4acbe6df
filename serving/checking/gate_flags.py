"""The flags of the gate, which two commands have: a sample of reviews, and how far their scores may move.

They are read before anything slow is imported.
"""

import argparse
import dataclasses
import math
import os

from beam_pipelines.archive.finding import formats

# What may be said of the archive, where it is not as the training archive was.
READING = ("text_column", "score_column", "title_column", "score_pattern", "input_format", "csv_delimiter")


@dataclasses.dataclass(frozen=True)
class ShiftLimits:
    """How far scores may move.

    Attributes:
      mean_shift: The mean, up or down, as a share of the range.
      rank_correlation: The least that is allowed.
      moved_share: The share of scores beyond the old interval.
    """

    mean_shift: float
    rank_correlation: float
    moved_share: float

    @classmethod
    def of(cls, flags: argparse.Namespace) -> "ShiftLimits":
        return cls(flags.max_mean_shift, flags.min_rank_correlation, flags.max_moved_share)


def _share(text: str) -> float:
    return _within(float(text), 0, 1)


def _correlation(text: str) -> float:
    return _within(float(text), -1, 1)


def _count(text: str) -> int:
    return int(_within(int(text), 1, math.inf))


def _within(value: float, low: float, high: float) -> float:
    """Returns a flag's value, which argparse refuses where this raises."""
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{value:g} is not from {low:g} to {high:g}")
    return value


def add_limits(parser: argparse._ActionsContainer) -> None:
    """Adds the flags of `ShiftLimits`."""
    parser.add_argument(
        "--max_mean_shift",
        type=_share,
        default=0.03,
        metavar="SHARE",
        help="fail if the mean score moves by more of the range (default: 0.03)",
    )
    parser.add_argument(
        "--min_rank_correlation",
        type=_correlation,
        default=0.9,
        metavar="R",
        help="fail if Spearman's rank correlation of both models' scores is lower (default: 0.9)",
    )
    parser.add_argument(
        "--max_moved_share",
        type=_share,
        default=0.1,
        metavar="SHARE",
        help="fail if more of the new scores lie beyond the old interval (default: 0.1)",
    )


def add_sample(parser: argparse._ActionsContainer) -> None:
    """Adds `--sample` and the flags that say how it is read."""
    parser.add_argument(
        "--sample",
        action="append",
        default=[],
        type=os.path.expanduser,
        metavar="GLOB",
        help="an archive of reviews, best ones that neither model has learned from, in the formats of "
        "beam_pipelines.score; rated or not; may be repeated. It is read as EXPORT's training archive was, but for "
        "the flags that follow",
    )
    parser.add_argument(
        "--sample_rows",
        type=_count,
        default=10_000,
        metavar="N",
        help="how many reviews are taken of it, spread over all of it (default: 10000)",
    )
    parser.add_argument("--text_column", metavar="NAME", help="the column of the text")
    parser.add_argument("--score_column", metavar="NAME", help="the column of true scores")
    parser.add_argument("--title_column", metavar="NAME", help="the column of a title that ends with the score")
    parser.add_argument("--score_pattern", metavar="REGEX", help="how a title holds the score")
    parser.add_argument("--input_format", choices=formats.NAMES, help="the format, where the names do not tell it")
    parser.add_argument("--csv_delimiter", metavar="CHARACTER", help="what stands between the fields of CSV")

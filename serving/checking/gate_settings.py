"""The flags of the gate, which two commands have: a sample of reviews, and how far their scores may move."""

import dataclasses
from typing import ClassVar

from beam_pipelines.archive.finding import formats
from beam_pipelines.commands.flags import flag

# Of fewer reviews neither a standard error nor a rank correlation is known well.
MIN_REVIEWS = 30
# What may be said of the archive, where it is not as the training archive was.
SAMPLE_READ_FLAGS = ("text_column", "score_column", "title_column", "score_pattern", "input_format", "csv_delimiter")


@dataclasses.dataclass(frozen=True, kw_only=True)
class GateSettings:
    """A sample of reviews that two versions are compared on, and how far their scores may move."""

    GROUP: ClassVar = "the comparison of two versions"

    sample: tuple[str, ...] = flag(
        "an archive of reviews, best ones that neither model has learned from, in the formats of "
        "beam_pipelines.score; rated or not; may be repeated. It is read as EXPORT's training archive was, but for "
        "the flags that follow",
        default=(),
        metavar="GLOB",
        is_path=True,
    )
    sample_rows: int = flag(
        f"how many reviews are taken of it, spread over all of it, at least {MIN_REVIEWS}", default=10_000, metavar="N"
    )
    text_column: str | None = flag("the column of the text", default=None, metavar="NAME")
    score_column: str | None = flag("the column of true scores", default=None, metavar="NAME")
    title_column: str | None = flag("the column of a title that ends with the score", default=None, metavar="NAME")
    score_pattern: str | None = flag("how a title holds the score", default=None, metavar="REGEX")
    input_format: str | None = flag("the format, where the names do not tell it", default=None, choices=formats.NAMES)
    csv_delimiter: str | None = flag("what stands between the fields of CSV", default=None, metavar="CHARACTER")
    max_mean_shift: float = flag(
        "fail if the mean score moves by more than this share of the range", default=0.03, metavar="SHARE"
    )
    min_rank_correlation: float = flag(
        "fail if Spearman's rank correlation of both models' scores is lower", default=0.9, metavar="R"
    )
    max_moved_share: float = flag(
        "fail if more than this share of the new scores lie outside the old model's intervals",
        default=0.1,
        metavar="SHARE",
    )
    no_text_in_reports: bool = flag("name the reviews that moved furthest without quoting them", default=False)

    def __post_init__(self):
        if self.sample_rows < MIN_REVIEWS:
            raise ValueError(f"--sample_rows {self.sample_rows}: give at least {MIN_REVIEWS}; fewer tell too little")
        lowest = {"max_mean_shift": 0, "min_rank_correlation": -1, "max_moved_share": 0}
        for name, low in lowest.items():
            if not low <= getattr(self, name) <= 1:
                raise ValueError(f"--{name} {getattr(self, name):g}: give a number from {low} to 1")


GATE_FLAGS = tuple(field.name for field in dataclasses.fields(GateSettings))

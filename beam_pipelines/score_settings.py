"""The settings of the bulk-scoring job, the only home of their defaults."""

import dataclasses

from beam_pipelines.flags import flag

MODULE = "beam_pipelines.score"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """Scores every review of an archive with an exported model.

    Writes OUTPUT/scores (in the order of the input), OUTPUT/rejected (every row that could not be
    scored, with its reason), OUTPUT/summary.json and OUTPUT/report.html.

    Example:
      python -m beam_pipelines.score --input 'dump/*.jsonl.gz' --model trained --output scored \\
          --text_column body --keep_columns product,date

    Beam's own flags (--runner, --project, ...) follow on the same line.
    """

    input: tuple[str, ...] = flag(
        "CSV, TSV, JSON lines or Parquet files, plain or .gz, .bz2 or .zst; a glob; may be repeated", metavar="GLOB"
    )
    model: str = flag("the trainer's output, the folder of exported versions, or one version", metavar="DIR")
    output: str = flag("a new folder: local, gs:// or s3://", metavar="DIR")
    input_format: str | None = flag(
        "the format, where the names do not tell it", default=None, choices=["csv", "tsv", "jsonl", "parquet"]
    )
    text_column: str = flag("the column of the review's text", metavar="NAME")
    id_column: str | None = flag(
        "the column that names a row; without it a column `id` holds FILE:PLACE", default=None, metavar="NAME"
    )
    keep_columns: str = flag("input columns to carry along, separated by commas", default="", metavar="A,B")
    score_column: str | None = flag(
        "a column with true scores, where the archive has some: the summary then tells the error",
        default=None,
        metavar="NAME",
    )
    output_format: str = flag("the format of the scores", default="parquet", choices=["parquet", "jsonl", "csv"])
    engine: str = flag(
        "what runs the model: the SavedModel, or for a CNN a compiled form of it that gives the same scores faster; "
        "auto takes the compiled one where it proves equal on the export's fixed texts",
        default="auto",
        choices=["auto", "saved_model", "compiled"],
    )
    explain: bool = flag("also tell the phrases that moved each score most, up and down; much slower", default=False)
    max_rejected_share: float = flag(
        "exit with status 3, after everything is written, when more than this share of the rows is rejected",
        default=0.01,
    )
    max_field_mb: float = flag("a CSV row with a quote still open after this many megabytes is rejected", default=16.0)
    no_text_in_reports: bool = flag(
        "keep excerpts, unknown words and rejected rows out of the report, the summary and the statistics, for a "
        "private archive",
        default=False,
    )
    overwrite: bool = flag("delete what an earlier run wrote to OUTPUT, and nothing else", default=False)

    def __post_init__(self):
        if not 0 <= self.max_rejected_share <= 1:
            raise ValueError(f"--max_rejected_share {self.max_rejected_share} is not in [0, 1]")
        if not 0 < self.max_field_mb <= 16:
            raise ValueError(f"--max_field_mb {self.max_field_mb} is not in (0, 16]")

    @property
    def kept_columns(self) -> tuple[str, ...]:
        """The input columns of the output: the id first, then the kept ones."""
        names = [self.id_column, *self.keep_columns.split(",")]
        return tuple(dict.fromkeys(name.strip() for name in names if name and name.strip()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The input columns that the job reads, the text first."""
        wanted = [self.text_column, *self.kept_columns, self.score_column]
        return tuple(dict.fromkeys(name for name in wanted if name))

"""The settings of the bulk-scoring job, the only home of their defaults."""

import codecs
import dataclasses

from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.commands.flags import flag

MODULE = "beam_pipelines.score"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreSettings(ArchiveSettings):
    """Scores every review of an archive with an exported model.

    Writes OUTPUT/scores (in the order of the input), OUTPUT/rejected (every row that could not be
    scored, with its reason), OUTPUT/summary.json and OUTPUT/report.html. A job that was interrupted
    goes on with --resume.

    Example:
      python -m beam_pipelines.score --input 'dump/*.jsonl.gz' --model trained --output scored \\
          --text_column body --keep_columns product,date

    Beam's own flags (--runner, --project, ...) follow on the same line.
    """

    model: str = flag(
        "the trainer's output, the folder of exported versions, or one version", metavar="DIR", is_path=True
    )
    id_column: str | None = flag(
        "the column that names a row; without it a column `id` holds FILE:PLACE", default=None, metavar="NAME"
    )
    keep_columns: str = flag(
        "input columns to carry along, separated by commas; * for all; NAME:TYPE gives one a type (string, int64, "
        "float64, bool, date32 or timestamp), NEW=NAME another name, NEW=NAME:TYPE both; of CSV and JSON lines they "
        "are text otherwise",
        default="",
        metavar="A,B",
    )
    score_column: str | None = flag(
        "a column with true scores, where the archive has some: the summary then tells the error",
        default=None,
        metavar="NAME",
    )
    empty_text: str = flag(
        "what becomes of a row whose text is missing, empty or white space alone: a reject, or the score of no text",
        default="reject",
        choices=["reject", "score"],
    )
    output_format: str = flag("the format of the scores", default="parquet", choices=["parquet", "jsonl", "csv"])
    engine: str = flag(
        "what runs the model: the SavedModel, or a compiled form of it that gives the same scores faster; "
        "auto takes the compiled one where it proves equal on the export's fixed texts",
        default="auto",
        choices=["auto", "saved_model", "compiled"],
    )
    explain: bool = flag("also tell the phrases that moved each score most, up and down; much slower", default=False)
    no_text_in_reports: bool = flag(
        "keep excerpts, unknown words and rejected rows out of the report, the summary and the statistics, for a "
        "private archive",
        default=False,
    )
    resume: bool = flag(
        "go on with the job that an earlier run of the same command began in OUTPUT; begin it if there is none",
        default=False,
    )

    add: bool = flag(
        "score the files that are new since the job in OUTPUT, into the same folder: for archives that grow",
        default=False,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.resume and self.overwrite:
            raise ValueError("--resume goes on with an earlier job and --overwrite deletes it; give one of them")
        ways = [f"--{name}" for name in ("resume", "overwrite", "add", "finish", "dry_run") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} exclude each other; give one of them")

    @property
    def outcome(self) -> dict[str, object]:
        """The settings that decide what stands in the shards; a job can only go on with equal ones."""
        free = (
            *("input", "output", "model", "resume", "overwrite", "max_rejected_share", "max_unpacked_gb"),
            *("damaged_files", "add", "no_wait", "finish", "dry_run"),
        )
        decisive = {name: value for name, value in dataclasses.asdict(self).items() if name not in free}
        # However they were written.
        dialect = {"csv_delimiter": self.delimiter, "csv_quote": self.quote, "csv_escape": self.escape}
        encodings = ",".join(codecs.lookup(encoding).name for encoding in self.encodings)
        return {**decisive, **dialect, "null_values": ",".join(self.nulls), "encoding": encodings}

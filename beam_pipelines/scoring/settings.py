"""The settings of the bulk-scoring job, the only home of their defaults."""

import codecs
import dataclasses

from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.commands.flags import flag
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.engines.server_options import ServerOptions
from serving.client import tokens
from serving.client.retries import check_seconds

MODULE = "beam_pipelines.score"
# The flags that say how a server is asked.
OF_SERVER = (
    *("model_name", "model_version", "server_in_flight", "server_max_rows", "server_timeout_s", "server_wait_s"),
    *("server_token_file", "server_ca_file"),
)


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
    server: str | None = flag(
        "a server that scores in the place of this machine, TensorFlow Serving or serving.local, with the version that "
        "--model names: HOST:PORT or http(s)://HOST:PORT for REST, grpc(s)://HOST:PORT for gRPC",
        default=None,
        metavar="ADDRESS",
    )
    model_name: str = flag("the model's name on the --server", default="reviews", metavar="NAME")
    model_version: int | None = flag(
        "the version that the --server scores with; it must be that of --model", default=None, metavar="N"
    )
    server_in_flight: int = flag("requests that each worker process has under way at the --server", default=4)
    server_max_rows: int = flag(
        "reviews in a request, no more than the max_batch_size of a server that batches", default=32
    )
    server_timeout_s: float = flag("seconds that a request may take", default=60.0, metavar="S")
    server_wait_s: float = flag(
        "seconds to wait for a server that is lost, before the job ends; --resume then goes on",
        default=60.0,
        metavar="S",
    )
    server_token_file: str | None = flag(
        f"a file with the token for a proxy in front of the server; or put it into the environment variable "
        f"{tokens.VARIABLE}",
        default=None,
        metavar="FILE",
        is_path=True,
    )
    server_ca_file: str | None = flag(
        "PEM file of the authorities that sign the server's certificate, where the system does not know them",
        default=None,
        metavar="FILE",
        is_path=True,
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
        if self.server and self.engine != "auto":
            raise ValueError("--server scores in the place of an --engine; give one of them")
        if not self.server and (given := [f"--{name}" for name in OF_SERVER if self._is_given(name)]):
            raise ValueError(f"{given[0]} says how a server is asked; give --server too")
        for name in ("server_in_flight", "server_max_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("server_timeout_s", "server_wait_s"):
            check_seconds(f"--{name}", getattr(self, name))
        ways = [f"--{name}" for name in ("resume", "overwrite", "add", "finish", "dry_run") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} exclude each other; give one of them")

    def server_options(self, version: int) -> ServerOptions | None:
        """How the server is asked for a version, that of the model; None of a job that asks none.

        Raises:
          UserError: Another version was asked for, or one of the flags is to be mended.
        """
        if self.model_version not in (None, version):
            raise UserError(
                f"--model_version {self.model_version} is not that of --model {self.model}, {version}; name the folder "
                "of the version that is served"
            )
        if not self.server:
            return None
        options = ServerOptions(
            address=self.server,
            model_name=self.model_name,
            version=version,
            in_flight=self.server_in_flight,
            max_rows=self.server_max_rows,
            timeout_s=self.server_timeout_s,
            wait_s=self.server_wait_s,
            token_file=self.server_token_file,
            ca_file=self.server_ca_file,
        )
        # What is wrong with a flag is told at once.
        options.open().close()
        return options

    def _is_given(self, name: str) -> bool:
        return getattr(self, name) != getattr(type(self), name)

    @property
    def outcome(self) -> dict[str, object]:
        """The settings that decide what stands in the shards; a job can only go on with equal ones."""
        free = (
            *("input", "output", "model", "resume", "overwrite", "max_rejected_share", "max_unpacked_gb"),
            *("damaged_files", "add", "no_wait", "finish", "dry_run"),
            *("server", *OF_SERVER),
        )
        decisive = {name: value for name, value in dataclasses.asdict(self).items() if name not in free}
        # Its scores are equal up to rounding only. A job of an earlier version has no such name.
        by_server = {"server": True} if self.server else {}
        # However they were written.
        dialect = {"csv_delimiter": self.delimiter, "csv_quote": self.quote, "csv_escape": self.escape}
        encodings = ",".join(codecs.lookup(encoding).name for encoding in self.encodings)
        return {**decisive, **by_server, **dialect, "null_values": ",".join(self.nulls), "encoding": encodings}

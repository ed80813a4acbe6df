"""What a job wants of its archive, in the words of the readers."""

import dataclasses

from beam_pipelines.archive.row_scanner import CSV, JSON_LINES, TSV, Dialect
from beam_pipelines.archive.settings import ArchiveSettings


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """How the files of an archive are read.

    Attributes:
      columns: The wanted columns, the review's text first.
      block_bytes: The size of a block.
      encoding: Of the text formats.
      delimiter: Between the fields of CSV and TSV, or None for the format's own.
      quote: Around the fields of CSV and TSV, or None.
      max_row_bytes: A longer row of a text format is rejected, and a longer text of Parquet.
      all_columns: Whether `columns` should be all that there are, so that what they lack is counted.
      binary: Columns whose bytes, in Parquet, need not be text.
    """

    columns: tuple[str, ...]
    block_bytes: int = 1 << 20
    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str | None = '"'
    max_row_bytes: int = 16 << 20
    all_columns: bool = False
    binary: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: ArchiveSettings, columns: tuple[str, ...], block_bytes: int) -> "ReadOptions":
        return cls(
            columns,
            block_bytes,
            settings.encoding,
            settings.delimiter,
            settings.quote,
            int(settings.max_field_mb * 2**20),
        )

    def dialect(self, format: str) -> Dialect:
        """How a text format tells its rows and fields apart."""
        if format == "jsonl":
            return JSON_LINES
        own = TSV if format == "tsv" else CSV
        return Dialect(self.delimiter or own.delimiter, self.quote)

    @property
    def badly_encoded(self) -> str:
        """The reason to reject a row that is not valid in its encoding."""
        return f"invalid_{self.encoding.lower().replace('utf-8', 'utf8').replace('-', '_')}"

"""How an archive is read: what turns bytes into text, and what a job wants of it."""

import dataclasses

from beam_pipelines.archive.row_scanner import CSV, JSON_LINES, TSV, Dialect
from beam_pipelines.archive.settings import ArchiveSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextFormat:
    """How the bytes of CSV, TSV and JSON lines become rows and text; enough to look at a file's columns.

    Attributes:
      encoding: Of all text files.
      delimiter: Between the fields of CSV and TSV, or None for the format's own.
      quote: Around the fields of CSV and TSV, or None.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str | None = '"'

    @classmethod
    def of(cls, settings: ArchiveSettings) -> "TextFormat":
        return cls(encoding=settings.encoding, delimiter=settings.delimiter, quote=settings.quote)

    def dialect(self, file_format: str) -> Dialect:
        """Tells how "csv", "tsv" or "jsonl" separates its rows and fields."""
        if file_format == "jsonl":
            return JSON_LINES
        own = TSV if file_format == "tsv" else CSV
        return Dialect(self.delimiter or own.delimiter, self.quote)

    @property
    def invalid_reason(self) -> str:
        """The reason to reject a row that is not valid in its encoding."""
        return f"invalid_{self.encoding.lower().replace('utf-8', 'utf8').replace('-', '_')}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a job wants of its archive; made once, when the columns are known.

    Attributes:
      columns: The wanted columns, the review's text first.
      text_format: How text files are read.
      block_bytes: The size of a block.
      max_row_bytes: A longer row of a text file is rejected, and a longer text of Parquet.
      all_columns: Whether `columns` should be all that there are, so that what they lack is counted.
      binary: Columns whose bytes, in Parquet, need not be text.
    """

    columns: tuple[str, ...]
    text_format: TextFormat = TextFormat()
    block_bytes: int = 1 << 20
    max_row_bytes: int = 16 << 20
    all_columns: bool = False
    binary: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        settings: ArchiveSettings,
        *,
        columns: tuple[str, ...],
        block_bytes: int,
        all_columns: bool = False,
        binary: tuple[str, ...] = (),
    ) -> "ReadOptions":
        return cls(
            columns=columns,
            text_format=TextFormat.of(settings),
            block_bytes=block_bytes,
            max_row_bytes=int(settings.max_field_mb * 2**20),
            all_columns=all_columns,
            binary=binary,
        )

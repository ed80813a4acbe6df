"""How an archive is read: what a job wants of it, and how its text files hold that."""

import dataclasses
from collections.abc import Container
from typing import Any

import pyarrow as pa

from beam_pipelines.archive.extents import Sizes
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.archive.settings import ArchiveSettings

# So many lines may stand above a header, to be told of before any work; workers, who look for it, read no further.
PEEKED_LINES = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class LookOptions:
    """What a look at a file needs to know.

    Attributes:
      text_column: The column of the review's text.
      text_format: How text files are read.
      input_format: The format of all files; None where their names tell it.
      max_unpacked_bytes: How much a .zip or .tar may unpack to.
      lines_below: In how many lines below a header to look for the true one, to tell the user.
    """

    text_column: str
    text_format: TextFormat = dataclasses.field(default_factory=TextFormat)
    input_format: str | None = None
    max_unpacked_bytes: float = 100e9
    lines_below: int = 0

    @classmethod
    def of(cls, settings: ArchiveSettings) -> "LookOptions":
        return cls(
            text_column=settings.text_column,
            text_format=TextFormat.of(settings),
            input_format=settings.input_format,
            max_unpacked_bytes=settings.max_unpacked_gb * 1e9,
            lines_below=PEEKED_LINES,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a job wants of its archive; made once, when the columns are known.

    Attributes:
      columns: The wanted columns, the review's text first.
      text_format: How text files are read.
      block_bytes: The size of a block.
      extent_bytes: The size of an extent.
      max_row_bytes: A longer row of a text file is rejected, and a longer text of Parquet.
      all_columns: Whether `columns` should be all that there are, so that what they lack is counted.
      binary: Columns whose bytes, in Parquet, need not be text.
      nullable: Columns in which the null values of `text_format` are nulls; in others they stay as they were written.
      optional: Columns that are null in a file that lacks them.
      types: The types of columns, where one is not text, as files without it and extents without a row need to know.
      input_format: The format of all files; None where their names tell it.
      max_unpacked_bytes: How much a .zip or .tar may unpack to.
    """

    columns: tuple[str, ...]
    text_format: TextFormat = dataclasses.field(default_factory=TextFormat)
    block_bytes: int = 1 << 20
    extent_bytes: int = 1 << 20
    max_row_bytes: int = 16 << 20
    all_columns: bool = False
    binary: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    types: tuple[tuple[str, pa.DataType], ...] = ()
    input_format: str | None = None
    max_unpacked_bytes: float = 100e9

    @classmethod
    def of(cls, settings: ArchiveSettings, *, columns: tuple[str, ...], sizes: Sizes, **more: Any) -> "ReadOptions":
        """Options of a command's settings; `more` are other fields."""
        return cls(
            columns=columns,
            text_format=TextFormat.of(settings),
            block_bytes=sizes.block_bytes,
            extent_bytes=sizes.extent_bytes,
            max_row_bytes=int(settings.max_field_mb * 2**20),
            input_format=settings.input_format,
            max_unpacked_bytes=settings.max_unpacked_gb * 1e9,
            **more,
        )

    @property
    def look(self) -> LookOptions:
        """The options of a look at the same files."""
        return LookOptions(
            text_column=self.columns[0],
            text_format=self.text_format,
            input_format=self.input_format,
            max_unpacked_bytes=self.max_unpacked_bytes,
        )

    def type_of(self, column: str) -> pa.DataType:
        """The type of a column where no file tells it."""
        return dict(self.types).get(column, pa.string())

    def without(self, columns: Container[str]) -> "ReadOptions":
        """The same without some of the columns."""
        return dataclasses.replace(self, columns=tuple(name for name in self.columns if name not in columns))

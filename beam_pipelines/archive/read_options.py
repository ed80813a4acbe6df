"""How an archive is read: what a job wants of it, and how its text files hold that."""

import dataclasses

from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.archive.settings import ArchiveSettings


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
      nullable: Columns in which the null values of `text_format` are nulls; in others they stay as they were written.
    """

    columns: tuple[str, ...]
    text_format: TextFormat = dataclasses.field(default_factory=TextFormat)
    block_bytes: int = 1 << 20
    max_row_bytes: int = 16 << 20
    all_columns: bool = False
    binary: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        settings: ArchiveSettings,
        *,
        columns: tuple[str, ...],
        block_bytes: int,
        all_columns: bool = False,
        binary: tuple[str, ...] = (),
        nullable: tuple[str, ...] = (),
    ) -> "ReadOptions":
        return cls(
            columns=columns,
            text_format=TextFormat.of(settings),
            block_bytes=block_bytes,
            max_row_bytes=int(settings.max_field_mb * 2**20),
            all_columns=all_columns,
            binary=binary,
            nullable=nullable,
        )

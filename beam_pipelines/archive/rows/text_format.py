"""What turns the bytes of CSV, TSV and JSON lines into rows and text."""

import codecs
import dataclasses
import functools

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.rows.dialect import CSV, JSON_LINES, TSV, Dialect
from beam_pipelines.archive.settings import ArchiveSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextFormat:
    """How the bytes of CSV, TSV and JSON lines become rows and text; enough to look at a file's columns.

    Attributes:
      encodings: Of all text files; a row is in the first one that it is valid in.
      delimiter: Between the fields of CSV and TSV, or None for the format's own.
      quote: Around the fields of CSV and TSV, or None.
      escape: Before what loses its meaning in CSV and TSV, or None.
      null_values: What stands for nothing; in CSV and TSV such a field is no escape and opens no quote.
    """

    encodings: tuple[str, ...] = ("utf-8",)
    delimiter: str | None = None
    quote: str | None = '"'
    escape: str | None = None
    null_values: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: ArchiveSettings) -> "TextFormat":
        return cls(
            encodings=settings.encodings,
            delimiter=settings.delimiter,
            quote=settings.quote,
            escape=settings.escape,
            null_values=settings.nulls,
        )

    def dialect(self, file: InputFile) -> Dialect:
        """Tells how a file of CSV, TSV or JSON lines separates its rows and fields; what was given goes first."""
        return self._dialect(file.format, file.delimiter)

    @functools.lru_cache(maxsize=64)  # noqa: B019 - they are few, and the same for all files.
    def _dialect(self, file_format: str, delimiter: str | None) -> Dialect:
        if file_format == "jsonl":
            return JSON_LINES
        own = TSV if file_format == "tsv" else CSV
        return Dialect(self.delimiter or delimiter or own.delimiter, self.quote, self.escape, self._unclosed)

    @property
    def _unclosed(self) -> tuple[str, ...]:
        quote = self.quote
        return tuple(
            value for value in self.null_values if quote and value.startswith(quote) and value.count(quote) % 2
        )

    def decode(self, data: bytes) -> tuple[str, str]:
        """Returns the text of a row and its encoding.

        Raises:
          UnicodeDecodeError: It is valid in none.
        """
        for encoding in self.encodings[:-1]:
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError:
                continue
        return data.decode(self.encodings[-1]), self.encodings[-1]

    @property
    def is_utf8_first(self) -> bool:
        """Whether what is valid UTF-8 is UTF-8."""
        return codecs.lookup(self.encodings[0]).name == "utf-8"

    @property
    def invalid_reason(self) -> str:
        """The reason to reject a row that is valid in none of the encodings."""
        names = (name.lower().replace("utf-8", "utf8").replace("-", "_") for name in self.encodings)
        return f"invalid_{'_or_'.join(names)}"

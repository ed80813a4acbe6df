"""The settings that both jobs have in common: which archive to read, and how."""

import codecs
import dataclasses
import itertools

from beam_pipelines.archive.finding import formats
from beam_pipelines.commands.flags import flag

NO_QUOTE = "none"
# The second byte of their characters may be that of an ASCII digit, letter, | or ~.
TRAILING_ASCII = ("shift_jis", "cp932", "gb", "big5", "cp949", "cp950", "johab")
# Their rows cannot be told apart byte by byte: a byte of ASCII may be a part of another character.
NOT_BY_BYTES = ("utf-7", "utf-16", "utf-32", "hz", "iso2022")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArchiveSettings:
    """Reads an archive of reviews; the base of the settings of a job."""

    input: tuple[str, ...] = flag(
        "CSV, TSV, JSON lines or Parquet files, plain, .gz, .bz2, .xz or .zst, and .zip or .tar archives of "
        "them; a glob, a folder or a pipe, or ARCHIVE:NAME for some members of a .zip or .tar; may be repeated",
        metavar="GLOB",
        is_path=True,
    )
    output: str = flag("a new folder: local, gs:// or s3://", metavar="DIR", is_path=True)
    text_column: str = flag(
        "the column of the review's text; `review.body` is the field `body` of the field `review`", metavar="NAME"
    )
    input_format: str | None = flag("the format, where the names do not tell it", default=None, choices=formats.NAMES)
    csv_delimiter: str | None = flag(
        r"what stands between the fields of CSV and TSV, such as ';' or '\t'; by default a comma, in TSV a tab",
        default=None,
        metavar="CHARACTER",
    )
    csv_quote: str = flag(
        f"what stands around fields of CSV and TSV; {NO_QUOTE} where a quote is a character like any other",
        default='"',
        metavar="CHARACTER",
    )
    csv_escape: str | None = flag(
        r"what takes the meaning of the quote, delimiter or newline behind it in CSV and TSV: '\' in dumps of MySQL, "
        r"PostgreSQL, Redshift and Spark, where \n, \r and \t are read too; by default a quote is doubled instead",
        default=None,
        metavar="CHARACTER",
    )
    null_values: str = flag(
        r"what stands for nothing in the columns of text and score, separated by commas, such as '\N,NULL'; kept "
        "columns stay as they were written",
        default=r"\N",
        metavar="A,B",
    )
    encoding: str = flag(
        "the encoding of CSV, TSV and JSON lines, such as latin-1, cp1252 or shift_jis; of several, as in "
        "utf-8,cp1252, a row has the first one that it is valid in",
        default="utf-8",
        metavar="A,B",
    )
    max_field_mb: float = flag(
        "a row of a text file that is longer, or whose quote is still open after so many megabytes, is rejected; so is "
        "a longer text of a Parquet file",
        default=16.0,
    )
    max_unpacked_gb: float = flag(
        "a .zip or .tar whose files unpack to more gigabytes is refused, since a small one can hold any number of them",
        default=100.0,
    )
    max_rejected_share: float = flag(
        "end with status 3, with the rejects written, when more than this share of the rows is rejected", default=0.01
    )
    damaged_files: str = flag(
        "what a damaged file does: stop ends with status 2 and its name, when all else is written; reject rejects what "
        "cannot be read of it, which counts against --max_rejected_share",
        default="stop",
        choices=["stop", "reject"],
    )
    no_text_in_rejects: bool = flag("leave what stood in a rejected row out of OUTPUT/rejected", default=False)
    overwrite: bool = flag("delete what an earlier run wrote to OUTPUT, and nothing else", default=False)
    no_wait: bool = flag(
        "hand the job to a cluster and end: prints the job's name, its page, and the command to go on with when it has "
        "ended",
        default=False,
    )
    finish: bool = flag(
        "write what is written last, of a job that has ended without its launcher; the archive is not read",
        default=False,
    )
    dry_run: bool = flag(
        "tell what the job would do, show the first rows of a sample, and write nothing", default=False
    )

    def __post_init__(self):
        if self.no_wait and (self.finish or self.dry_run):
            raise ValueError("--no_wait is for a job that is handed to a cluster; leave it out")
        if not 0 <= self.max_rejected_share <= 1:
            raise ValueError(f"--max_rejected_share {self.max_rejected_share} is not in [0, 1]")
        for field in dataclasses.fields(self):
            if field.name.endswith("_column") and getattr(self, field.name) == "":
                raise ValueError(f"--{field.name} names no column; one without a name cannot be read")
        if not 0 < self.max_field_mb <= 16:
            raise ValueError(f"--max_field_mb {self.max_field_mb} is not in (0, 16]")
        if not self.max_unpacked_gb > 0:
            raise ValueError(f"--max_unpacked_gb {self.max_unpacked_gb} must be more than 0")
        for encoding in self.encodings:
            _check_encoding(encoding)
        for encoding in self.encodings[:-1]:
            if _takes_all(encoding):
                raise ValueError(f"--encoding {self.encoding}: every row is valid in {encoding}; name it last")
        marks = {"csv_delimiter": self.delimiter, "csv_quote": self.quote, "csv_escape": self.escape}
        given = {name: mark for name, mark in marks.items() if mark is not None}
        for name, mark in given.items():
            _check_byte(name, mark)
        for encoding in self.encodings:
            trailing = codecs.lookup(encoding).name.startswith(TRAILING_ASCII)
            for name in (name for name, mark in given.items() if trailing and mark >= "0"):
                raise ValueError(
                    f"--{name} {given[name]} may be a part of a character in {encoding}; convert the files to UTF-8 "
                    "first, as iconv does"
                )
        for (name, mark), (other, same) in itertools.combinations(given.items(), 2):
            if mark == same:
                raise ValueError(f"--{other} and --{name} are both {mark!r}")

    @property
    def delimiter(self) -> str | None:
        """What stands between fields, or None where the format tells it."""
        if self.csv_delimiter is None or len(self.csv_delimiter) == 1:
            return self.csv_delimiter
        return codecs.decode(self.csv_delimiter, "unicode_escape")

    @property
    def quote(self) -> str | None:
        """What stands around fields, or None where nothing does."""
        return None if self.csv_quote == NO_QUOTE else self.csv_quote

    @property
    def escape(self) -> str | None:
        """What stands before a quote within quotes; None where it is doubled, which is an escape of its own kind."""
        return None if self.csv_escape == self.quote else self.csv_escape

    @property
    def encodings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.strip() for name in self.encoding.split(",")))

    @property
    def nulls(self) -> tuple[str, ...]:
        """What stands for nothing, without the empty text, which is known as such."""
        return tuple(dict.fromkeys(value for value in self.null_values.split(",") if value))


def _check_byte(name: str, character: str) -> None:
    if len(character) != 1 or not character.isascii() or character in "\r\n":
        raise ValueError(f"--{name} {character!r} is not one ASCII character within a line")


def _takes_all(encoding: str) -> bool:
    try:
        bytes(range(256)).decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _check_encoding(name: str) -> None:
    ascii_bytes = bytes(range(128))
    try:
        known = ascii_bytes.decode(name, "replace").encode("ascii", "replace") == ascii_bytes
    except (LookupError, UnicodeError):
        raise ValueError(f"--encoding {name} is not known; try utf-8, latin-1 or cp1252") from None
    if not known or codecs.lookup(name).name.startswith(NOT_BY_BYTES):
        raise ValueError(
            f"--encoding {name} cannot be read row by row; convert the files to UTF-8 first, as iconv does"
        )

"""The format and the compression of a file: the name proposes, the first bytes decide."""

import dataclasses

from beam_pipelines.archive.finding import decompression, first_bytes, formats
from beam_pipelines.archive.finding.found_files import ADD_FORMAT
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.errors import UserError


def identify(
    file: InputFile, compression: str | None, start: bytes, input_format: str | None
) -> tuple[InputFile, list[str]]:
    """Tells the format and the compression of a file that is no archive of files.

    Args:
      file: What is known by its name.
      compression: How it is compressed, by its first bytes.
      start: The first bytes that this gives, some hundred.
      input_format: The format that the user says it has.

    Returns:
      The file with both, and what to tell the user.

    Raises:
      UserError: It is of another kind, or nothing tells its format.
    """
    _refuse_others(file, compression, start)
    named, named_compression = formats.format_of(file.label)
    wanted, notes = input_format or named, []
    if first_bytes.is_parquet(start):
        if wanted not in ("parquet", None):
            notes.append(f"{file.label} is Parquet, whatever its name says, and is read as such")
        wanted = "parquet"
    if wanted is None and not first_bytes.is_text(start):
        other = first_bytes.damaged_office_file(file.label) or f"is binary; {first_bytes.EXPORT}"
        raise UserError(f"{file.label} {other}")
    if wanted is None:
        raise UserError(f"{file.label}: the name does not tell the format; {ADD_FORMAT}")
    if wanted == "parquet":
        _check_parquet(file, compression, start)
    elif named_compression and not compression and start:
        if not first_bytes.is_text(start):
            raise UserError(f"{file.label} is neither compressed, as its name says, nor text")
        notes.append(f"{file.label} is not compressed, whatever its name says, and is read as it is")
    return dataclasses.replace(file, format=wanted, compression=compression), notes


def _refuse_others(file: InputFile, compression: str | None, start: bytes) -> None:
    if decompression.compression_of(start) and compression:
        raise UserError(f"{file.label} is compressed twice; decompress it once first")
    if other := first_bytes.other_kind(start, "" if compression else file.label):
        raise UserError(f"{file.label} {other}")


def _check_parquet(file: InputFile, compression: str | None, start: bytes) -> None:
    if compression:
        raise UserError(f"{file.label}: a Parquet file is compressed inside; decompress it first")
    # What is damaged in another way is told when its columns are read.
    if start and first_bytes.is_text(start):
        raise UserError(f"{file.label} is text and no Parquet; add --input_format csv, tsv or jsonl")

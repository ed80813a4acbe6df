"""Damaged files: what comes before the damage is read, and the rest is one reject."""

import contextlib
from collections.abc import Callable

from beam_pipelines.archive.chunks import RejectedChunk
from beam_pipelines.archive.finding import input_files, zip_and_tar
from beam_pipelines.archive.finding.input_files import DamagedFile, InputFile, OpenFile
from beam_pipelines.archive.finding.up_to_damage import UpToDamage
from beam_pipelines.archive.rejects import Reject

DAMAGED_FILE, UNREADABLE_FILE = "damaged_file", "unreadable_file"


def reject_rest(
    file: InputFile, error: BaseException, *, offset: int, row_number: int, unread_bytes: int
) -> RejectedChunk:
    """Rejects what is not read of a damaged file.

    Args:
      file: The file.
      error: What was raised.
      offset: Where the damage begins: uncompressed bytes, or of Parquet the rows before.
      row_number: The line or row behind the last one that was read.
      unread_bytes: How much of the file is not read, as it lies; of a member of a .tar that is itself damaged, of that.
    """
    unit = "row" if file.format == "parquet" else "uncompressed byte"
    is_in_tar = file.container and file.container.kind == zip_and_tar.TAR
    of_all = "" if is_in_tar else f" of {file.size_bytes:,}"
    lost = f"{unread_bytes:,}{of_all} bytes are not read" if unread_bytes else "how much is missing is not known"
    raw = f"damaged behind {unit} {offset:,}: {error}; {lost}"
    return RejectedChunk(file, Reject.of(file, row_number, DAMAGED_FILE, raw), offset, unread_bytes)


def confirm(file: InputFile, position: int, find_damage: Callable[[OpenFile], int | None]) -> None:
    """Reads a file once more, up to its damage.

    Args:
      file: The file.
      position: How much comes before the damage.
      find_damage: Tells the same of a file that is open; None where there is no damage.

    Raises:
      OSError: It is not damaged there, so that a disk, a network or a store is to blame.
    """
    found: int | None = 0
    with contextlib.closing(input_files.iter_open((file,))) as files:
        try:
            _, opened = next(files)
            found = find_damage(opened)
        except (*input_files.DAMAGE, DamagedFile) as error:
            if not (isinstance(error, DamagedFile) or input_files.is_damage(error)):
                raise
    if found != position:
        raise OSError(f"{file.label} was damaged behind {position:,} when it was read, and not when it was read again")


def bytes_before(opened: OpenFile) -> int | None:
    """How many uncompressed bytes come before the damage; None where there is none."""
    stream = UpToDamage(opened.data)
    try:
        while stream.read(1 << 20):
            pass
    except input_files.DAMAGE:
        return stream.position
    return None

"""Tells whether a file is still the one that was listed when the job began."""

from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage


def check(file: FoundFile | InputFile) -> None:
    """Refuses a file that was written or deleted since it was listed.

    Raises:
      UserError: Names it.
    """
    try:
        size_bytes, modified = storage.status(file.path)
    except FileNotFoundError:
        raise UserError(f"{file.label} is gone since the job began") from None
    # The size of a member is not that of its .zip or .tar.
    is_same_size = size_bytes == file.size_bytes or (isinstance(file, InputFile) and file.container is not None)
    # Of the copy of a pipe, the time is not that of what came through.
    if not is_same_size or file.modified not in (None, modified):
        raise UserError(f"{file.label} has changed since the job began; begin anew with --overwrite")

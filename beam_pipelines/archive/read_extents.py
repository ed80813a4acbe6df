"""Reads an extent of any format into blocks of rows, and rejects what cannot be read."""

import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterator
from typing import IO, Any

from beam_pipelines.archive import chunks, damage, look, make_blocks, parquet_blocks
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.chunks import Chunk, RejectedChunk, TextChunk
from beam_pipelines.archive.csv_and_json_lines import reader_of
from beam_pipelines.archive.extents import Extent, Span
from beam_pipelines.archive.files_alike import FilesAlike
from beam_pipelines.archive.finding import input_files, unchanged, zip_and_tar
from beam_pipelines.archive.finding.decompression import DamagedData
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import DamagedFile, InputFile, OpenFile
from beam_pipelines.archive.finding.up_to_damage import UpToDamage
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import raw_rows, row_scanner
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.files.streams import FirstBytes

# A file of no more is read whole.
WHOLE_BYTES = 4 << 20


def _never(begin: Position) -> bool:
    return False


def read(extent: Extent, options: ReadOptions, is_done: Callable[[Position], bool] = _never) -> Iterator[Block]:
    """Yields the blocks of an extent, or of the extents that it is cut into; each has at least one, even without rows.

    Args:
      extent: What to read.
      options: How.
      is_done: Asked once of each extent, by where it begins; the blocks of one that is done are left out.

    Raises:
      UserError: A file is not the one that was listed.
    """
    reader = _ExtentReader(options)
    cut = chunks.cut_into_blocks(
        reader.chunks(extent),
        extent.begin,
        extent.next,
        block_bytes=options.block_bytes,
        extent_bytes=options.extent_bytes if _is_cut_while_read(extent) else None,
    )
    asked, leave_out = None, False
    for block_chunks in cut:
        if block_chunks.extent != asked:
            asked, leave_out = block_chunks.extent, is_done(block_chunks.extent)
        if not leave_out:
            block = make_blocks.make_block(block_chunks, options)
            block.notes.files.extend(reader.take_notes())
            yield block


def _is_cut_while_read(extent: Extent) -> bool:
    """Whether it holds what nothing can enter in the middle, whose size is known only when it is read."""
    return bool(extent.found) or not extent.spans[0].file.is_seekable


class _ExtentReader:
    """Reads the files of an extent, one after the other.

    Args:
      options: How they are read.
    """

    def __init__(self, options: ReadOptions):
        self._options = options
        self._alike = FilesAlike(options.columns[0])
        self._notes: list[str] = []

    def take_notes(self) -> list[str]:
        """What is to be told of the files that were looked at since the last call."""
        taken, self._notes = self._notes, []
        return taken

    def chunks(self, extent: Extent) -> Iterator[Chunk]:
        for found in extent.found:
            yield from self._read_small(found)
        if extent.spans:
            unchanged.check(extent.spans[0].file)
            is_read_in_a_row = extent.spans[0].file.format != "parquet" or not extent.spans[0].file.is_seekable
            size_bytes = sum(span.size_bytes for span in extent.spans) if is_read_in_a_row else 1
            with storage.open_bytes(extent.spans[0].file.path, size_bytes) as raw:
                yield from self._read_spans(extent.spans, raw)

    def _read_small(self, found: FoundFile) -> Iterator[Chunk]:
        """Reads a file once, and looks at it first."""
        unchanged.check(found)
        with _opened(found) as raw:
            try:
                files = self._alike.find(found, raw) or self._look_into(found, raw)
            except UserError as error:
                yield self._reject_file(found, error)
                return
            raw.seek(0)
            yield from self._read_spans(tuple(Span(file) for file in files), raw)

    def _look_into(self, found: FoundFile, raw: IO[bytes]) -> list[InputFile]:
        seen = look.look_into(found, raw, self._options.look)
        self._notes += seen.notes
        files = [file for file, _ in seen.files]
        if not seen.notes:
            self._alike.remember(found, files, raw)
        return files

    def _read_spans(self, spans: tuple[Span, ...], raw: IO[bytes]) -> Iterator[Chunk]:
        """Reads a span of a file, or the members of a .zip or .tar; what is behind damage is rejected."""
        left = {span.file: span for span in spans}
        streams = input_files.iter_streams(tuple(left), raw)
        # Behind the members that were listed, a .tar may be damaged.
        is_tar = spans[0].file.container is not None and spans[0].file.container.kind == zip_and_tar.TAR
        while left or is_tar:
            try:
                file, stream = next(streams)
            except StopIteration:
                return
            except (*input_files.DAMAGE, DamagedFile) as error:
                if not (isinstance(error, DamagedFile) or input_files.is_damage(error)):
                    raise
                # Nothing can be found any more in a .tar that is damaged.
                behind = _behind(spans[-1].file, _unread_bytes(_cause(error), raw))
                yield from (_reject_damaged(file, error) for file in left or [behind])
                return
            for chunk in self._read_file(left.pop(file), stream):
                yield chunk
                # What is told once of the last member need not be told of the .tar.
                is_tar = is_tar and not (isinstance(chunk, RejectedChunk) and file.compression is None)

    def _reject_file(self, found: FoundFile, error: UserError) -> RejectedChunk:
        """Rejects a file that cannot be read at all.

        Raises:
          OSError: When it is read again, it can.
        """
        file = InputFile(found.index, found.path, "csv", None, found.size_bytes, pipe=found.pipe)
        if not isinstance(error, DamagedFile):
            return RejectedChunk(file, Reject.of(file, 0, damage.UNREADABLE_FILE, str(error)), 0, found.size_bytes)
        try:
            look.look_at(found, self._options.look)
        except DamagedFile:
            return damage.reject_rest(file, error, offset=0, row_number=0, unread_bytes=found.size_bytes)
        raise OSError(f"{error}, but not when it was read again")

    def _read_file(self, span: Span, stream: OpenFile) -> Iterator[Chunk]:
        told = [name for name, _ in span.file.partitions]
        options = self._options.without(told) if told else self._options
        return (_read_parquet if span.file.format == "parquet" else _read_text)(span, stream, options)


def _opened(found: FoundFile) -> contextlib.AbstractContextManager[IO[bytes]]:
    if found.size_bytes <= WHOLE_BYTES:
        return contextlib.nullcontext(io.BytesIO(storage.read_bytes(found.path)))
    return storage.open_bytes(found.path, found.size_bytes)


def _behind(member: InputFile, size_bytes: int) -> InputFile:
    """The .tar of its last member, as what comes behind that."""
    return dataclasses.replace(member, member=None, member_number=member.member_number + 1, size_bytes=size_bytes)


def _cause(error: BaseException) -> BaseException | None:
    """What a decompressor has raised, or else the error."""
    return error.__cause__ if isinstance(error, DamagedFile) else error


def _unread_bytes(error: BaseException | None, raw: IO[bytes]) -> int:
    """How many bytes of a stream that cannot be read to its end, as they lie, come behind its damage."""
    read_bytes = error.read_bytes if isinstance(error, DamagedData) and error.raw is raw else raw.tell()
    return raw.seek(0, io.SEEK_END) - read_bytes


def _reject_damaged(file: InputFile, error: BaseException) -> RejectedChunk:
    """Rejects all of a file that is damaged where it begins, or before."""
    if file.member:
        damage.confirm(file, 0, damage.bytes_before)
    return damage.reject_rest(file, error, offset=0, row_number=0, unread_bytes=file.size_bytes)


def _read_text(span: Span, stream: OpenFile, options: ReadOptions) -> Iterator[Chunk]:
    """Reads the rows of a text file, up to its damage."""
    file, offset, row_number = span.file, span.start, span.row_number
    data: Any = _part_of(span, stream) if file.is_seekable else UpToDamage(stream.data)
    rows = raw_rows.scan_raw_rows(
        data,
        options.text_format.dialect(file),
        options.max_row_bytes,
        start=span.start,
        line=span.row_number,
        goes_on=span.end is not None,
        read_bytes=min(span.size_bytes, row_scanner.READ_BYTES),
    )
    reader = reader_of(file, options)
    before = stream.stored.tell()
    try:
        for chunk in rows:
            after = stream.stored.tell()
            text = TextChunk(file, chunk, reader, after - before)
            if file.is_seekable:
                # More of it may have been read, and lies in a buffer.
                text = dataclasses.replace(text, stored_bytes=text.end - offset)
            before, offset, row_number = after, text.end, int(chunk.lines[-1]) + 1
            yield text
    except input_files.DAMAGE as error:
        if not input_files.is_damage(error):
            raise
        damage.confirm(file, data.position, damage.bytes_before)
        if isinstance(error, DamagedData) and error.raw is not stream.stored:
            # The .tar around it is damaged, and with that all that comes.
            unread_bytes = _unread_bytes(error, error.raw)
        elif isinstance(error, DamagedData):
            unread_bytes = file.size_bytes - error.read_bytes
        else:
            # Of a member of a .zip, all is taken from it at once that the damage makes useless.
            unread_bytes = max(file.size_bytes - (stream.stored.tell() if file.compression else offset), 0)
        yield damage.reject_rest(file, error, offset=offset, row_number=row_number, unread_bytes=unread_bytes)


def _read_parquet(span: Span, stream: OpenFile, options: ReadOptions) -> Iterator[Chunk]:
    """Reads the rows of a Parquet file, up to its damage."""
    file, row, offset, unread_bytes = span.file, span.start, span.start, float(span.size_bytes)
    try:
        for chunk in parquet_blocks.read(span, stream, options):
            row, offset = chunk.row + chunk.batch.num_rows, chunk.end
            unread_bytes -= chunk.stored_bytes
            yield chunk
    except input_files.DAMAGE as error:
        if not input_files.is_damage(error):
            raise
        damage.confirm(file, row, lambda opened: parquet_blocks.rows_before_damage(span, opened, options))
        rejected = damage.reject_rest(file, error, offset=row, row_number=row + 1, unread_bytes=round(unread_bytes))
        yield dataclasses.replace(rejected, offset=offset)


def _part_of(span: Span, stream: OpenFile) -> IO[bytes] | FirstBytes:
    """The bytes of a span, of which no more is read than wanted."""
    if span.start:
        stream.data.seek(span.start)
    return stream.data if span.end is None else FirstBytes(stream.data, span.end - span.start)

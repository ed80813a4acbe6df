"""From bytes to blocks in one call, for the tests of the readers."""

import bz2
import gzip
import io
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from beam_pipelines.archive import blocks, inputs, readers

COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.compress}
MEGABYTE = 1 << 20


def parquet(columns: dict[str, pa.Array | list], rows_per_group: int = 1000) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=rows_per_group)
    return file.getvalue()


def input_file(path: pathlib.Path, content: bytes, input_format: str | None = None) -> inputs.InputFile:
    """Writes a file and finds it as a job would."""
    path.write_bytes(content)
    return inputs.find((str(path),), input_format)[0]


def read_all(
    file: inputs.InputFile, columns: tuple[str, ...], *, size: int = MEGABYTE, max_row_bytes: int = MEGABYTE
) -> list[blocks.Block]:
    """The blocks that a job would read."""
    return [
        block
        for extent in blocks.extents(file, size, max_row_bytes)
        for block in readers.read(extent, columns, size, max_row_bytes)
    ]

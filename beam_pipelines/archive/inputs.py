"""Lists of a job's inputs, files of its folder: neither the manifest nor Beam's graph grows with the archive."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

INPUTS = "inputs.parquet"
_SCHEMA = pa.schema(
    [
        ("path", pa.binary()),
        ("bytes", pa.int64()),
        ("modified", pa.float64()),
        ("pipe", pa.string()),
        ("members", pa.list_(pa.string())),
        ("name", pa.string()),
    ]
)


def write(folder: str, files: list[FoundFile], name: str = INPUTS) -> None:
    """Writes a list."""
    rows = [
        {
            "path": file.path.encode("utf-8", "surrogateescape"),
            "bytes": file.size_bytes,
            "modified": file.modified,
            "pipe": file.pipe,
            "members": list(file.members),
            "name": file.name,
        }
        for file in files
    ]
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), data, compression="zstd")
    storage.write_bytes(folder, name, data.getvalue())


def read(folder: str, name: str = INPUTS) -> list[FoundFile]:
    """Reads a list.

    Raises:
      FileNotFoundError: There is none.
      UserError: It is damaged.
    """
    path = storage.join(folder, name)
    try:
        table = pq.read_table(io.BytesIO(storage.read_bytes(path)))
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}, the list of the job's files, is damaged: {error}; --overwrite begins anew") from None
    return [
        FoundFile(
            path=row["path"].decode("utf-8", "surrogateescape"),
            size_bytes=row["bytes"],
            modified=row["modified"],
            pipe=row["pipe"],
            members=tuple(row["members"]),
            index=index,
            name=row["name"],
        )
        for index, row in enumerate(table.to_pylist())
    ]


def differences(old: list[FoundFile], new: list[FoundFile]) -> Iterator[str]:
    """Tells in words how two lists differ."""
    before, now = ({file.source: file for file in files} for files in (old, new))
    for source, file in (before | now).items():
        if source not in now:
            yield f"{file.label} is gone"
        elif source not in before:
            yield f"{file.label} is new"
        elif before[source].size_bytes != file.size_bytes:
            yield f"{file.label} had {before[source].size_bytes:,} bytes and has {file.size_bytes:,}"
        elif before[source].modified != file.modified:
            yield f"{file.label} was written again (its time of modification is another)"
        elif before[source].members != file.members:
            yield f"other members of {file.label} are read"

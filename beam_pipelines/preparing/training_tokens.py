"""Reads, of the tokens that the first reading counted, those that may get an id: there may be too many to hold."""

import concurrent.futures
import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_pipelines.files import storage
from beam_pipelines.preparing import token_counts
from beam_pipelines.text.vocabulary import LISTED_MISSES, TrainingTokens

# So many parts are read and looked at together; an object store answers slowly, but many at a time.
_PARTS_AT_A_TIME = 64


def most_without_vector(trained_tokens: int) -> int:
    """How many of the tokens without a vector the choice needs: those that get an id, and those that are listed."""
    return max(trained_tokens, LISTED_MISSES)


def read_totals(folder: str) -> tuple[int, int]:
    """Reads what `token_counts.write_totals` wrote; nothing was written where there are no tokens."""
    path = storage.join(folder, token_counts.TOTALS)
    distinct, total = storage.read_json(path) if storage.exists(path) else (0, 0)
    return distinct, total


def read(folder: str, words: pa.Array | None, most: int) -> TrainingTokens:
    """Reads the tokens that may get an id.

    Args:
      folder: The temporary folder of `token_counts.write_counts`.
      words: The tokens that may have a vector, binary [words]; None to hold all tokens.
      most: How many of the other tokens are held, the most frequent ones.
    """
    nothing = pa.table({"token": pa.array([], pa.binary()), "count": pa.array([], pa.int64())})
    held, others = [nothing], nothing
    for counts in _parts(folder):
        if words is None:
            held.append(counts)
        else:
            may_have_vector = pc.is_in(counts["token"], words)
            held.append(counts.filter(may_have_vector))
            others = pa.concat_tables([others, counts.filter(pc.invert(may_have_vector))])
            others = token_counts.most_frequent(others, most) if most else nothing
    found = pa.concat_tables([*held, others]).sort_by(token_counts.BY_FALLING_COUNT)
    distinct, total = read_totals(folder)
    tokens, counts_of_tokens = found["token"].cast(pa.string()).to_pylist(), found["count"].to_numpy().copy()
    del held, others, found
    # Else Arrow keeps for itself what all parts took, while the vectors need the room.
    pa.default_memory_pool().release_unused()
    return TrainingTokens(tokens, counts_of_tokens, distinct, total)


def _parts(folder: str) -> Iterator[pa.Table]:
    """Reads the counts, some parts at a time."""
    files = storage.join(folder, token_counts.COUNTS)
    names = storage.listing(files)

    def read_part(name: str) -> pa.Table:
        return pq.read_table(io.BytesIO(storage.read_bytes(storage.join(files, name))))

    with concurrent.futures.ThreadPoolExecutor() as threads:
        for first in range(0, len(names), _PARTS_AT_A_TIME):
            yield pa.concat_tables(threads.map(read_part, names[first : first + _PARTS_AT_A_TIME]))

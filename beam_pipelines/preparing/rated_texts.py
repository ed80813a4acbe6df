"""Keeps the hashes of rated texts, in files by their range, so that texts of another archive can be told from them."""

import io

import numpy as np
import pyarrow as pa

from beam_pipelines.files import storage
from beam_pipelines.preparing import recurring_texts

_FILE = "rated/{part:04d}.npy"


def part_of(hashes: np.ndarray, parts: int) -> np.ndarray:
    """The part of each hash, int64 [hashes] in [0, parts): parts in order hold hashes in order.

    Args:
      hashes: int64, in [0, 2**63).
      parts: Their number.
    """
    return (hashes.astype(np.uint64) // np.uint64(-(-(2**63) // parts))).astype(np.int64)


def write(merged: tuple[int, pa.RecordBatch], *, folder: str) -> int:
    """Writes the hashes of one part, of `recurring_texts.of_reviews`, into a temporary folder; returns its number."""
    part, texts = merged
    data = io.BytesIO()
    np.save(data, np.sort(texts["text"].to_numpy()))
    storage.write_bytes(folder, _FILE.format(part=part), data.getvalue())
    return part


class RatedTexts:
    """The rated texts of a folder, of which no more than one part is held at a time.

    Args:
      folder: The temporary folder of `write`.
      parts: The number of the parts.
    """

    def __init__(self, folder: str, parts: int):
        self._folder = folder
        self._parts = parts

    def others(self, hashes: np.ndarray, most: int) -> np.ndarray:
        """Finds texts that are not rated: the indices of the first `most` of these, int64.

        Args:
          hashes: int64 [texts] in rising order.
          most: So many are enough.
        """
        found: list[np.ndarray] = [np.empty(0, np.int64)]
        numbers, starts = np.unique(part_of(hashes, self._parts), return_index=True)
        ends = [*starts, len(hashes)][1:]
        for number, start, end in zip(numbers.tolist(), starts, ends, strict=True):
            is_rated = recurring_texts.contains(self._read(number), hashes[start:end])
            found.append(start + np.flatnonzero(~is_rated))
            if sum(map(len, found)) >= most:
                break
        return np.concatenate(found)[:most]

    def _read(self, part: int) -> np.ndarray:
        try:
            data = storage.read_bytes(storage.join(self._folder, _FILE.format(part=part)))
        except FileNotFoundError:
            return np.empty(0, np.int64)
        return np.load(io.BytesIO(data))

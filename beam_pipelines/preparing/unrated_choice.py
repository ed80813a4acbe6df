"""Chooses the unrated texts that are used: those with the lowest hashes, each once, without those that are rated.

A text is a row of a table: `text`, the hash of its tokens, and its place, `file`, `member` and `row`.
"""

import io
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.files import storage
from beam_pipelines.preparing.rated_texts import RatedTexts

_COLUMNS = ("text", "file", "member", "row")
_RISING = [(name, "ascending") for name in _COLUMNS]
_SCHEMA = pa.schema([(name, pa.int64()) for name in _COLUMNS])
_FILE = "chosen.parquet"
# So many rows wait at least, beside those chosen so far.
_WAITING_ROWS = 1 << 16


def of_reviews(fingerprints: np.ndarray, places: np.ndarray) -> pa.Table:
    """Lists texts with their places.

    Args:
      fingerprints: int64 [texts].
      places: int64 [texts, 3].
    """
    return pa.table([fingerprints, *places.T.copy()], schema=_SCHEMA)


def once(texts: pa.Table) -> pa.Table:
    """Takes each text once, where it stands first, in the order of the hashes."""
    ordered = texts.sort_by(_RISING)
    _, first = np.unique(ordered["text"].to_numpy(), return_index=True)
    return ordered.take(pa.array(first)).combine_chunks()


class LowestTexts:
    """The unrated texts with the lowest hashes of many that come in any order; holds a few times as many as it keeps.

    Args:
      most: How many are kept.
      rated: The texts that are left out.
    """

    def __init__(self, most: int, rated: RatedTexts):
        self._most = most
        self._rated = rated
        self._texts = [_SCHEMA.empty_table()]
        self._end: int | None = None

    def add(self, texts: pa.Table) -> None:
        """Adds texts of `of_reviews`."""
        if self._end is not None:
            texts = texts.filter(pa.array(texts["text"].to_numpy() <= self._end))
        self._texts.append(texts)
        if sum(map(len, self._texts)) > 2 * self._most + _WAITING_ROWS:
            self.chosen()

    def chosen(self) -> pa.Table:
        """Those that are kept of what has come so far."""
        texts = once(pa.concat_tables(self._texts))
        others = self._rated.others(texts["text"].to_numpy(), self._most)
        texts = texts.take(pa.array(others)).combine_chunks()
        if len(texts) == self._most:
            # What is higher will never be kept.
            self._end = texts["text"][-1].as_py()
        self._texts = [texts]
        return texts


class MergeLowest(beam.CombineFn):
    """Merges what several `LowestTexts` have chosen: tables -> table.

    Args:
      most: How many texts are kept.
    """

    def __init__(self, most: int):
        self.most = most

    def create_accumulator(self) -> pa.Table:
        return _SCHEMA.empty_table()

    def add_input(self, merged: pa.Table, texts: pa.Table) -> pa.Table:
        return once(pa.concat_tables([merged, texts]))[: self.most]

    def merge_accumulators(self, accumulators: Iterable[pa.Table]) -> pa.Table:
        merged = self.create_accumulator()
        for texts in accumulators:
            merged = self.add_input(merged, texts)
        return merged

    def extract_output(self, merged: pa.Table) -> pa.Table:
        return merged


def write(chosen: pa.Table, *, folder: str) -> None:
    """Writes the chosen texts into a temporary folder."""
    data = io.BytesIO()
    pq.write_table(chosen, data)
    storage.write_bytes(folder, _FILE, data.getvalue())


class ChosenTexts:
    """The chosen texts, as `write` has left them.

    Args:
      folder: The temporary folder.
      most: How many could be chosen.
    """

    def __init__(self, folder: str, most: int):
        table = pq.read_table(io.BytesIO(storage.read_bytes(storage.join(folder, _FILE))))
        self._hashes = table["text"].to_numpy()
        self._places = np.column_stack([table[name].to_numpy() for name in _COLUMNS[1:]])
        # Where not all places are taken, no hash is too high.
        self._end = self._hashes[-1] if len(table) == most else np.iinfo(np.int64).max

    def __len__(self) -> int:
        return len(self._hashes)

    def are_beyond(self, fingerprints: np.ndarray) -> np.ndarray:
        """Tells whose hash is higher than all that are chosen, though there were more, bool [texts]."""
        return fingerprints > self._end

    def contain(self, fingerprints: np.ndarray) -> np.ndarray:
        """Tells which texts are chosen, wherever they stand, bool [texts]."""
        return self._index(fingerprints) >= 0

    def stand_at(self, fingerprints: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Tells which texts are chosen, and chosen at this place, bool [texts]."""
        index = self._index(fingerprints)
        if not len(self):
            return index >= 0
        return (index >= 0) & (self._places[index] == places).all(axis=1)

    def _index(self, fingerprints: np.ndarray) -> np.ndarray:
        """The index of each text among the chosen ones, or -1."""
        if not len(self):
            return np.full(len(fingerprints), -1)
        index = np.minimum(np.searchsorted(self._hashes, fingerprints), len(self) - 1)
        return np.where(self._hashes[index] == fingerprints, index, -1)

"""Finds training texts that also stand in validation or test, which a split column allows, by hashes in parts."""

import io
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.files import storage
from beam_pipelines.preparing.splits import TRAIN_INDEX

# However many parts there are, a worker opens no more than so many files.
_FILES = 16
_FOLDER = "recurring"
# Merges the rows of one text: whether any of them is in training, and whether any is held out.
MERGE = "any"


def of_reviews(fingerprints: np.ndarray, split: np.ndarray, *, with_unused: bool = False) -> pa.RecordBatch:
    """Lists the texts of reviews, `text` their hash.

    Args:
      fingerprints: int64 [reviews].
      split: int8 [reviews], an index into `SPLITS` or `NOT_SAMPLED`.
      with_unused: Whether those that are not sampled are listed too, on neither side.
    """
    listed = pa.record_batch({"text": fingerprints, "training": split == TRAIN_INDEX, "held_out": split > TRAIN_INDEX})
    return listed if with_unused else listed.filter(pa.array(split >= TRAIN_INDEX))


def recurring(merged: tuple[int, pa.RecordBatch]) -> tuple[int, np.ndarray]:
    """Finds those of one part that stand on both sides; returns the number of their file, and their hashes."""
    part, texts = merged
    both = texts.filter(pc.and_(texts["training"], texts["held_out"]))
    return part % _FILES, both["text"].to_numpy()


def write(found: tuple[int, Iterable[np.ndarray]], *, folder: str) -> None:
    """Writes the hashes of one file into a temporary folder."""
    number, hashes = found
    data = io.BytesIO()
    np.save(data, np.concatenate(list(hashes)))
    storage.write_bytes(folder, f"{_FOLDER}/{number:02d}.npy", data.getvalue())


def read(folder: str) -> np.ndarray:
    """Reads the hashes of all, int64 and sorted; none where there is no split column."""
    files = storage.join(folder, _FOLDER)
    hashes = [np.load(io.BytesIO(storage.read_bytes(storage.join(files, name)))) for name in storage.listing(files)]
    return np.sort(np.concatenate([np.empty(0, np.int64), *hashes]))


def contains(hashes: np.ndarray, fingerprints: np.ndarray) -> np.ndarray:
    """Tells which texts are among sorted hashes, bool [reviews]; `np.isin` would sort all of these anew."""
    if not len(hashes):
        return np.zeros(len(fingerprints), bool)
    places = np.searchsorted(hashes, fingerprints)
    return hashes[np.minimum(places, len(hashes) - 1)] == fingerprints

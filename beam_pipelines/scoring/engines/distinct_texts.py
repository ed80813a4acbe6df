"""Finds texts that recur, so that each is scored once."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def distinct_texts(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Finds equal texts.

    Returns:
      The row of the first of each text, int64 [distinct], and which of these each row is, int [batch].

    >>> distinct_texts(pa.array(["b", "a", "b"]))[1].tolist()
    [0, 1, 0]
    """
    # Only texts of one length need to be compared: most have a length that no other has.
    _, which, counts = np.unique(pc.binary_length(texts), return_inverse=True, return_counts=True)
    alike = np.flatnonzero(counts[which] > 1)
    names = pc.dictionary_encode(texts.take(pa.array(alike))).indices.to_numpy()
    first = np.arange(len(texts))
    first[alike] = alike[np.unique(names, return_index=True)[1]][names]
    is_first = first == np.arange(len(texts))
    return np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[first]

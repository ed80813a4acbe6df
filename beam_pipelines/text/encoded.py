"""Texts as the ids that a model reads, and what is said of them.

Apart from `compiled_encoder`, since the SavedModel engine makes this, too, and must not import numba.
"""

import dataclasses

import numpy as np
import pyarrow as pa


@dataclasses.dataclass(frozen=True)
class Encoded:
    """What an engine makes of texts, before it runs the model.

    Attributes:
      ids: int [tokens of all], text after text; of each at most the model's `max_tokens`, and at least one.
      lengths: int64 [batch], how many of them each text has.
      tokens: int64 [batch], the tokens of each text, before it was cut.
      known_share: float32 [batch], the share of all tokens with a vector, in [0, 1].
      truncated: bool [batch], whether the text was cut.
      unknown: Tokens without an id of their own, binary [distinct], and how often each came, int64 [distinct].
    """

    ids: np.ndarray
    lengths: np.ndarray
    tokens: np.ndarray
    known_share: np.ndarray
    truncated: np.ndarray
    unknown: tuple[pa.Array, np.ndarray]

    @property
    def result_columns(self) -> dict[str, np.ndarray]:
        """The columns of the results that stand beside a score."""
        return {"tokens": self.tokens, "known_share": self.known_share, "truncated": self.truncated}

"""Divides reviews into training, validation and test by a hash of what must stay together."""

import hashlib

import numpy as np

SPLITS = ("train", "validation", "test")
NOT_SAMPLED = -1
_PARTS = 1_000_000


def key_hashes(keys: list[str]) -> np.ndarray:
    """A hash of each key, int64 [keys] in [0, 2**63), the same in every process."""
    digests = [hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest() for key in keys]
    return (np.frombuffer(b"".join(digests), "<u8") >> np.uint64(1)).astype(np.int64)


def assign(hashes: np.ndarray, *, test_share: float, validation_share: float, sample_share: float) -> np.ndarray:
    """The split of each review.

    Args:
      hashes: int64 [reviews] in [0, 2**63): of the text, or of the split column.
      test_share: The share of the hashes that falls into the test.
      validation_share: The share that falls into validation.
      sample_share: The share that is used at all, decided by other digits of the hash.

    Returns:
      int8 [reviews]: an index into `SPLITS`, or `NOT_SAMPLED`.
    """
    part = hashes % _PARTS
    held_out = round(test_share * _PARTS)
    stopping = held_out + round(validation_share * _PARTS)
    split = np.where(part < held_out, 2, np.where(part < stopping, 1, 0))
    sampled = (hashes // _PARTS) % _PARTS < round(sample_share * _PARTS)
    return np.where(sampled, split, NOT_SAMPLED).astype(np.int8)

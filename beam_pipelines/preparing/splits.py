"""Divides reviews into training, validation and test by a hash of what must stay together."""

import dataclasses
import hashlib

import numpy as np

from beam_pipelines.artifacts.prepared import SPLITS, TEST, TRAIN, VALIDATION

# What `assign` returns: an index into SPLITS, or that of a review that is not used.
TRAIN_INDEX, VALIDATION_INDEX, TEST_INDEX = (SPLITS.index(split) for split in (TRAIN, VALIDATION, TEST))
NOT_SAMPLED = -1
_PARTS = 1_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitShares:
    """How the rated reviews are divided.

    Attributes:
      test: The share of the hashes that falls into the test.
      validation: The share that falls into validation.
      sample: The share that is used at all, decided by other digits of the hash.
    """

    test: float
    validation: float
    sample: float = 1.0


def key_hashes(keys: list[str]) -> np.ndarray:
    """Hashes keys: int64 [keys] in [0, 2**63), the same in every process."""
    digests = [hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest() for key in keys]
    return (np.frombuffer(b"".join(digests), "<u8") >> np.uint64(1)).astype(np.int64)


def assign(hashes: np.ndarray, shares: SplitShares) -> np.ndarray:
    """Assigns each review to a split.

    Args:
      hashes: int64 [reviews] in [0, 2**63): of the text, or of the split column.
      shares: How the reviews are divided.

    Returns:
      int8 [reviews]: an index into `SPLITS`, or `NOT_SAMPLED`.
    """
    part = hashes % _PARTS
    end_of_test = round(shares.test * _PARTS)
    end_of_validation = end_of_test + round(shares.validation * _PARTS)
    split = np.where(part < end_of_test, TEST_INDEX, np.where(part < end_of_validation, VALIDATION_INDEX, TRAIN_INDEX))
    sampled = (hashes // _PARTS) % _PARTS < round(shares.sample * _PARTS)
    return np.where(sampled, split, NOT_SAMPLED).astype(np.int8)


def split_hashes(split_keys: list[str] | None, fingerprints: np.ndarray) -> np.ndarray:
    """Gives the hash that decides each review's split, int64 [reviews]: of its split key, or else of its text."""
    return fingerprints if split_keys is None else key_hashes(split_keys)

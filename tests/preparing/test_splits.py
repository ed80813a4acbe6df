import numpy as np
import pytest

from beam_pipelines.preparing import splits
from beam_pipelines.preparing.splits import SplitShares

# The two numbers of a hash that decide, each in a thousand steps: every share of thousandths is met exactly.
STEPS = np.arange(0, 1_000_000, 1000)
GRID = (STEPS[:, None] * 1_000_000 + STEPS).ravel()


def rows_by_split(hashes: np.ndarray, **shares: float) -> list[int]:
    """How many hashes fall into train, validation and test, and how many are not used."""
    found = splits.assign(hashes, SplitShares(**{"test": 0.2, "validation": 0.16, **shares}))
    assert found.dtype == np.int8
    return [int(np.sum(found == split)) for split in (0, 1, 2, splits.NOT_SAMPLED)]


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({}, [640_000, 160_000, 200_000, 0]),
        ({"test": 0, "validation": 0}, [1_000_000, 0, 0, 0]),
        ({"test": 0}, [840_000, 160_000, 0, 0]),
        ({"validation": 0}, [800_000, 0, 200_000, 0]),
        ({"test": 0.001, "validation": 0.001}, [998_000, 1000, 1000, 0]),
        ({"test": 1, "validation": 0}, [0, 0, 1_000_000, 0]),
        ({"sample": 0.1}, [64_000, 16_000, 20_000, 900_000]),
        ({"sample": 0}, [0, 0, 0, 1_000_000]),
    ],
)
def test_shares_are_met_exactly(shares, expected):
    assert rows_by_split(GRID, **shares) == expected


def test_a_share_is_a_millionth_at_least():
    """A share of nothing takes not even one of them."""
    hashes = np.arange(1_000_000)
    assert rows_by_split(hashes, test=1e-6, validation=2e-6) == [999_997, 2, 1, 0]
    assert rows_by_split(hashes * 1_000_000, test=0, validation=0, sample=1e-6) == [1, 0, 0, 999_999]
    assert rows_by_split(hashes * 1_000_000, test=0, validation=0, sample=0) == [0, 0, 0, 1_000_000]


def test_the_hashes_of_keys_meet_the_shares_nearly():
    hashes = splits.key_hashes([f"key {number}" for number in range(100_000)])
    assert np.array(rows_by_split(hashes, sample=0.5)) / 100_000 == pytest.approx([0.32, 0.08, 0.1, 0.5], abs=0.005)


def test_the_sample_keeps_every_row_in_its_split():
    whole = splits.assign(GRID, SplitShares(test=0.2, validation=0.16))
    sample = splits.assign(GRID, SplitShares(test=0.2, validation=0.16, sample=0.3))
    used = sample != splits.NOT_SAMPLED
    assert used.sum() == 300_000
    assert (sample[used] == whole[used]).all()


def test_hashes_are_the_same_in_every_process_and_version():
    """Written down: the same archive must be divided the same way next year. A lone surrogate counts as "?"."""
    keys = ["Album", "", "\u00c4rger \U0001f918", "\ud800"]
    hashes = [1921382241622723774, 6510301506637419378, 7543147914094445123, 8420491562882501990]
    assert splits.key_hashes(keys).tolist() == hashes


def test_texts_decide_where_there_are_no_keys():
    fingerprints = np.array([0, 999_999, 200_000])
    assert splits.split_hashes(None, fingerprints).tolist() == [0, 999_999, 200_000]
    of_keys = splits.key_hashes(["a", "b", "a"]).tolist()
    assert splits.split_hashes(["a", "b", "a"], fingerprints).tolist() == of_keys
    assert of_keys[0] == of_keys[2] != of_keys[1]

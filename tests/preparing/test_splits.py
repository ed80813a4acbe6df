import numpy as np
import pytest

from beam_pipelines.preparing import splits


def assigned(count=100_000, *, test_share=0.2, validation_share=0.16, sample_share=1.0):
    hashes = splits.key_hashes([f"key {n}" for n in range(count)])
    shares = splits.SplitShares(test=test_share, validation=validation_share, sample=sample_share)
    return splits.assign(hashes, shares)


def shares(split) -> list[float]:
    return [float(np.mean(split == value)) for value in (0, 1, 2, splits.NOT_SAMPLED)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [0.64, 0.16, 0.2, 0]),
        ({"test_share": 0, "validation_share": 0}, [1, 0, 0, 0]),
        ({"validation_share": 0}, [0.8, 0, 0.2, 0]),
        ({"sample_share": 0.1}, [0.064, 0.016, 0.02, 0.9]),
        ({"sample_share": 0}, [0, 0, 0, 1]),
    ],
)
def test_shares_are_those_asked_for(given, expected):
    assert shares(assigned(**given)) == pytest.approx(expected, abs=0.005)


def test_a_share_of_zero_is_exact():
    assert shares(assigned(test_share=0))[2] == 0


def test_the_sample_keeps_every_row_in_its_split():
    whole, sample = assigned(), assigned(sample_share=0.3)
    used = sample != splits.NOT_SAMPLED
    assert (sample[used] == whole[used]).all()


def test_hashes_are_the_same_in_every_process():
    assert splits.key_hashes(["Album", ""]).tolist() == [
        int.from_bytes(__import__("hashlib").blake2b(key, digest_size=8).digest(), "little") >> 1
        for key in (b"Album", b"")
    ]

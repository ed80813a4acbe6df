import numpy as np

from beam_pipelines.artifacts import prepared
from beam_pipelines.preparing import splits
from beam_pipelines.preparing.splits import SplitShares


def test_folds_are_of_about_equal_size_in_every_split():
    """Also where a sample is used, which other digits of the hash decide."""
    hashes = splits.key_hashes([f"key {number}" for number in range(50_000)])
    split = splits.assign(hashes, SplitShares(test=0.2, validation=0.2, sample=0.5))
    for index in range(3):
        folds = prepared.fold_of(hashes[split == index], 5)
        shares = np.bincount(folds, minlength=5) / len(folds)
        assert np.abs(shares - 0.2).max() < 0.02


def test_a_fold_is_the_same_in_every_version():
    """Written down: an interrupted run goes on with the folds that it began with."""
    hashes = np.array([0, 10**12 - 1, 10**12, 7 * 10**12 + 5, 2**63 - 1])
    assert prepared.fold_of(hashes, 5).tolist() == [0, 0, 1, 2, 2]
    assert prepared.fold_of(hashes, 1).tolist() == [0, 0, 0, 0, 0]

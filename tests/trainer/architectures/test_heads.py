"""The notebook's head: one output, the score."""

import numpy as np
import pytest

from trainer.architectures.heads import PointHead

OUTPUTS = np.array([[-0.5], [0.3], [1.5]], np.float32)


def test_the_score_is_clipped_to_the_scale():
    assert np.array(PointHead().score(OUTPUTS)) == pytest.approx([0, 0.3, 1])
    assert PointHead().outputs == 1


def test_the_interval_has_one_width():
    low, high = (np.array(bound) for bound in PointHead().bounds(OUTPUTS, 0.2))
    assert low == pytest.approx([0, 0.1, 0.8], abs=2e-5)
    assert high == pytest.approx([0.2, 0.5, 1], abs=2e-5)


def test_conformity_is_the_distance_from_the_score():
    truths = np.array([0.1, 0.3, 0.4], np.float32)
    assert PointHead().conformity(OUTPUTS, truths) == pytest.approx([0.1, 0, 0.6])


def test_with_an_infinite_reach_the_interval_is_the_whole_scale():
    low, high = PointHead().bounds(OUTPUTS, np.inf)
    assert (np.array(low) == 0).all()
    assert (np.array(high) == 1).all()


def test_slopes_add_up_to_what_they_explain():
    constants = np.array([0.7], np.float32)
    added = ((OUTPUTS - constants) * np.array(PointHead().slopes(OUTPUTS, constants))).sum(axis=1)
    assert 0.7 + added == pytest.approx(OUTPUTS[:, 0])

"""How far intervals reach along the predicted score."""

import numpy as np
import pytest

from trainer.architectures.interval_reach import IntervalReach


def test_between_two_positions_the_reach_is_interpolated():
    positions = np.linspace(0, 1, 50).astype(np.float32)
    reach = IntervalReach((0.2, 0.5, 0.6), (3.0, 1.0, 2.0))
    expected = np.interp(positions, [0.2, 0.5, 0.6], [3, 1, 2])
    assert np.array(reach.at(positions)) == pytest.approx(expected, abs=1e-5)
    assert np.array(IntervalReach.constant(0.4).at(positions)) == pytest.approx(np.full(50, 0.4))


def test_two_equal_positions_are_no_error():
    found = np.array(IntervalReach((0.5, 0.5), (1.0, 2.0)).at(np.array([0.4, 0.6], np.float32)))
    assert found.tolist() == [1, 2]


def test_it_is_finite_where_all_of_it_is():
    assert IntervalReach((0.1, 0.2), (1.0, 2.0)).is_finite
    assert not IntervalReach((0.1, 0.2), (1.0, np.inf)).is_finite
    assert np.isinf(np.array(IntervalReach.constant(np.inf).at(np.zeros(2, np.float32)))).all()

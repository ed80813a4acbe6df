"""A score on the edge of two bins belongs to the lower one, also after rounding to float32."""

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import BINS, Scale

SCALES = [Scale(0, 100), Scale(1, 5), Scale(-4, 4), Scale(0, 1)]
scales = pytest.mark.parametrize("scale", SCALES, ids=str)
kinds = pytest.mark.parametrize("kind", [np.float32, np.float64])


def nominal(scale: Scale) -> np.ndarray:
    """The lowest score, the nine inner edges and the highest, as a person would write them."""
    return np.array([round(scale.low + place * (scale.high - scale.low) / BINS, 6) for place in range(BINS + 1)])


@scales
@kinds
def test_bins_are_closed_on_the_right_at_every_edge(scale, kind):
    assert scale.bins(nominal(scale).astype(kind)).tolist() == [0, *range(BINS)]


@scales
@kinds
def test_a_score_above_an_edge_is_in_the_bin_above(scale, kind):
    above = nominal(scale)[:-1] + 1e-4 * (scale.high - scale.low)
    assert scale.bins(above.astype(kind)).tolist() == list(range(BINS))


@scales
def test_there_are_ten_bins_of_equal_width(scale):
    edges = scale.edges()
    assert edges.dtype == np.float64
    np.testing.assert_allclose(edges, nominal(scale)[1:-1], rtol=0, atol=2e-6 * scale.span)


def test_each_score_of_five_stars_has_its_bin():
    assert Scale(1, 5).bins(np.array([1, 2, 3, 4, 5], np.float32)).tolist() == [0, 2, 4, 7, 9]


@pytest.mark.parametrize(
    ("scale", "score", "share"),
    [
        (Scale(0, 100), 25, 0.25),
        (Scale(1, 5), 2, 0.25),
        (Scale(1, 5), 1, 0),
        (Scale(-4, 4), 2, 0.75),
        (Scale(-4, 4), 4, 1),
    ],
)
def test_the_archive_s_unit_and_back(scale, score, share):
    assert scale.to_unit(score) == share
    assert scale.from_unit(share) == score
    np.testing.assert_array_equal(scale.from_unit(scale.to_unit(np.array([score, score]))), [score, score])

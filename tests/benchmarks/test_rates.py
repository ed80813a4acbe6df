import math

import pytest

from benchmarks import rates, report


@pytest.mark.parametrize(
    ("rows", "seconds", "rate"),
    [((100, 500), (7.0, 12.0), 80), ((0, 500), (7.0, 12.0), 100), ((100, 500), (7.0, 107.0), 4)],
)
def test_start_up_drops_out_of_a_steady_rate(rows, seconds, rate):
    assert rates.steady_rate(rows, seconds) == pytest.approx(rate)


@pytest.mark.parametrize("more", [-1.0, 0.0, rates.FEWEST_SECONDS / 2])
def test_a_steady_rate_of_too_few_rows_is_not_told(more):
    assert math.isnan(rates.steady_rate((100, 500), (7.0, 7.0 + more)))


def figure(*values: float) -> rates.Figure:
    return rates.Figure("score", "reviews/s", [*values], "3 reviews")


def test_a_ratio_is_that_of_the_medians():
    compared = rates.Comparison(figure(900, 100, 400), figure(20, 10, 90), wanted=20)
    assert (compared.ratio, compared.reached) == (20, True)
    assert not rates.Comparison(figure(399), figure(20), wanted=20).reached
    assert rates.Comparison(figure(1.0), figure(2.0), wanted=0.5, at_most=True).reached
    assert not rates.Comparison(figure(1.1), figure(2.0), wanted=0.5, at_most=True).reached


@pytest.mark.parametrize("baseline", [figure(), figure(1.0, math.nan)])
def test_without_a_baseline_it_is_not_known_what_is_reached(baseline):
    compared = rates.Comparison(figure(900), baseline, wanted=20)
    assert (math.isnan(compared.ratio), compared.reached) == (True, None)


def test_a_rate_that_is_none_is_explained():
    known = rates.Comparison(figure(900), figure(20), wanted=20)
    unknown = rates.Comparison(figure(math.nan), figure(20), wanted=20)
    assert "give more --reviews" in report.comparison_lines([known, unknown])[-1]
    assert "give more --reviews" not in "".join(report.comparison_lines([known]))


def test_measures_take_turns():
    calls = []

    def measure(name: str) -> float:
        calls.append(name)
        return len(calls)

    found = rates.interleave({"a": lambda: measure("a"), "b": lambda: measure("b")}, 2)
    assert (calls, found) == (["a", "b", "a", "b"], {"a": [1, 3], "b": [2, 4]})

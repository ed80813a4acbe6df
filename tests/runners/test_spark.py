"""Both jobs on Spark, with two tasks at a time."""

from collections.abc import Iterator

import pytest

from tests.helpers.engines import spark

pytestmark = pytest.mark.runners


@pytest.fixture(scope="module")
def flags(tmp_path_factory) -> Iterator[list[str]]:
    with spark.job_server(tmp_path_factory.mktemp("spark") / "server") as flags:
        yield [*flags, "--environment_type=LOOPBACK"]


def test_scores_are_those_of_the_runner_in_memory(flags, scores_as_in_memory):
    scores_as_in_memory(*flags)


def test_examples_are_those_of_the_runner_in_memory(flags, prepares_as_in_memory):
    prepares_as_in_memory(*flags)

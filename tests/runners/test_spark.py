"""Both jobs on Spark, with two tasks at a time."""

from collections.abc import Iterator

import pytest

from tests.helpers.engines import spark

pytestmark = pytest.mark.runners
LOOPBACK = "--environment_type=LOOPBACK"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[spark.Server]:
    with spark.job_server(tmp_path_factory.mktemp("spark") / "server") as server:
        yield server


def test_scores_are_those_of_the_runner_in_memory(server, scores_as_in_memory):
    scores_as_in_memory(*server.flags, LOOPBACK)
    assert_both_worked(server)


def test_examples_are_those_of_the_runner_in_memory(server, prepares_as_in_memory):
    prepares_as_in_memory(*server.flags, LOOPBACK)
    assert_both_worked(server)


def assert_both_worked(server: spark.Server) -> None:
    assert sum(records > 0 for records in server.records_read().values()) >= 2

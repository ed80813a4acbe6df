"""Both jobs on a Flink cluster of two TaskManagers, one of which is killed in the middle."""

from collections.abc import Iterator

import pytest

from tests.helpers.engines import boot_worker, flink, jobs
from tests.helpers.engines.processes import wait_until
from tests.runners.conftest import same_scores, score_flags

pytestmark = pytest.mark.runners
LOOPBACK = "--environment_type=LOOPBACK"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[flink.Cluster]:
    with flink.cluster(tmp_path_factory.mktemp("flink") / "cluster") as cluster:
        yield cluster


def test_scores_are_those_of_the_runner_in_memory(cluster, scores_as_in_memory):
    scores_as_in_memory(*cluster.flags, LOOPBACK)
    assert_both_worked(cluster, "Score")


def test_examples_are_those_of_the_runner_in_memory(cluster, prepares_as_in_memory):
    prepares_as_in_memory(*cluster.flags, LOOPBACK)
    assert_both_worked(cluster, "WriteExamples")


def assert_both_worked(cluster: flink.Cluster, step: str) -> None:
    read = cluster.records_read(step)
    assert set(read) == {"one", "two"}
    assert min(read.values()) > 0


def test_scores_are_the_same_where_a_task_manager_is_killed_and_replaced(
    cluster, dump, cnn, scored_in_memory, tmp_path
):
    """Its worker dies with it, as on a machine that fails; all workers are Beam's own, as on a cluster."""
    output, log = tmp_path / "scored", tmp_path / "score.log"
    flags = [*score_flags(dump, cnn, output), *cluster.flags, *boot_worker.flags(tmp_path / "workers")]
    with jobs.start(log, "beam_pipelines.score", *flags) as process:
        wait_until(lambda: any(output.glob("scores/*")), seconds=240, process=process, log=log)
        cluster.kill_task_manager("two")
        stood = len([*output.glob("scores/*")])
        cluster.start_task_manager("three")
        wait_until(lambda: process.poll() == 0, seconds=300, process=process, log=log)
    # Flink may learn only at its first restart that results were lost with the machine, and begin anew again.
    assert cluster.restarts("Score") >= 1
    same_scores(output, scored_in_memory)
    assert stood < len([*output.glob("scores/*")])
    assert set(cluster.records_read("Score")) == {"one", "three"}

"""A folder tells which job of a cluster may write to it, until that has ended."""

import contextlib

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from beam_pipelines.commands import job_folder
from beam_pipelines.errors import JobError
from beam_pipelines.execution import handing_over, remote_checks


@pytest.fixture
def folder(tmp_path) -> str:
    new = {"command": "score", "outputs": [], "settings": {}}
    job_folder.claim(str(tmp_path / "out"), new, overwrite=False, reads=[])
    return str(tmp_path / "out")


@pytest.fixture
def flags():
    server = LocalJobServicer()
    port = server.start_grpc_server()
    yield ["--runner=PortableRunner", f"--job_endpoint=localhost:{port}", "--environment_type=LOOPBACK"]
    server.stop(None)


def divide(flags, divisor: int) -> beam.Pipeline:
    root = beam.Pipeline(options=PipelineOptions(flags))
    _ = root | beam.Create([1]) | beam.Map(lambda number: number / divisor)
    return root


def test_a_job_that_ends_with_this_process_leaves_no_mark(folder, flags):
    submitted = handing_over.hand_over(divide(flags, 1), folder, no_wait=False, then="")
    assert not job_folder.is_submitted(folder)
    handing_over.wait(submitted, folder)


@pytest.mark.parametrize("divisor", [1, 0])
def test_a_job_of_a_cluster_marks_the_folder_until_its_end(folder, flags, divisor, monkeypatch):
    monkeypatch.setattr(remote_checks, "why_ends_here", lambda options: None)
    submitted = handing_over.hand_over(divide(flags, divisor), folder, no_wait=False, then="")
    assert job_folder.read(folder)[job_folder.SUBMITTED] == submitted.id
    with contextlib.nullcontext() if divisor else pytest.raises(JobError, match="ZeroDivisionError"):
        handing_over.wait(submitted, folder)
    assert not job_folder.is_submitted(folder)


def test_a_job_that_nobody_waits_for_keeps_its_mark(folder, flags, monkeypatch, caplog):
    caplog.set_level("INFO", logger="review_scorer")
    monkeypatch.setattr(remote_checks, "why_ends_here", lambda options: None)
    assert handing_over.hand_over(divide(flags, 1), folder, no_wait=True, then="the next command") is None
    assert job_folder.is_submitted(folder)
    assert "when it has ended: the next command" in caplog.text

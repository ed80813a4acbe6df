"""A pipeline is handed to a job server on loopback, waited for, and what ends it is told in a sentence."""

import concurrent.futures
import time
import traceback
import types
from collections.abc import Iterator

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from google.api_core.exceptions import Forbidden

from beam_pipelines.errors import JobError, UserError
from beam_pipelines.execution import counters, runners


@pytest.fixture(scope="module")
def job_server() -> Iterator[LocalJobServicer]:
    """Beam's own job server of its tests, whose workers are threads of this process."""
    server = LocalJobServicer()
    server.port = server.start_grpc_server()
    yield server
    server.stop(None)


class Step(beam.DoFn):
    """Raises an error, sleeps for some seconds, or counts."""

    def __init__(self, does: BaseException | float):
        self.does = does

    def process(self, element):
        counters.count("elements", 1)
        if isinstance(self.does, BaseException):
            raise self.does
        time.sleep(self.does)


def submit(job_server: LocalJobServicer, does: BaseException | float, *arguments: str) -> runners.Job:
    flags = ["--runner=PortableRunner", f"--job_endpoint=localhost:{job_server.port}", "--environment_type=LOOPBACK"]
    root = beam.Pipeline(options=PipelineOptions([*flags, *arguments]))
    _ = root | beam.Create([1, 2]) | beam.Reshuffle() | "Step" >> beam.ParDo(Step(does))
    return runners.submit(root)


def test_a_job_is_submitted_and_waited_for(job_server):
    job = submit(job_server, 0)
    assert (job.id.startswith("job-"), job.address) == (True, f"localhost:{job_server.port}")
    runners.wait(job)
    assert job.result.state == "DONE"


def test_a_job_may_take_longer_than_a_request_to_the_job_server(job_server):
    job = submit(job_server, 0.8, "--job_server_timeout=1")
    runners.wait(job)
    assert job.result.state == "DONE"


def test_a_user_error_of_a_worker_comes_with_its_message_and_status(job_server, capfd):
    job = submit(job_server, UserError('a.csv: "broken"', status=3))
    with pytest.raises(UserError, match='^a.csv: "broken"\n') as raised:
        runners.wait(job)
    assert raised.value.status == 3
    assert "Traceback" not in capfd.readouterr().err


def test_a_system_error_of_a_worker_stays_one(job_server):
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device: '/x'$"):
        runners.wait(submit(job_server, OSError(28, "No space left on device", "/x")))


def test_a_bug_of_a_worker_is_told_in_a_sentence(job_server):
    job = submit(job_server, ZeroDivisionError("no number"))
    sentence = rf"the job {job.id} failed: ZeroDivisionError: no number \[while running 'Step'\]; see {job.address}"
    with pytest.raises(JobError, match=f"^{sentence}$"):
        runners.wait(job)


@pytest.mark.parametrize("module", ["beam_pipelines", "beam_pipelines.scoring", "trainer"])
def test_a_worker_without_this_project_is_told_what_to_do(job_server, module):
    job = submit(job_server, ModuleNotFoundError(f"No module named '{module}'"))
    with pytest.raises(UserError, match=r"^a worker lacks this project; give --setup_file ./setup\.py of a checkout"):
        runners.wait(job)


def test_a_cancelled_job_is_told(job_server):
    job = submit(job_server, 1)
    job.result.cancel()
    with pytest.raises(JobError, match=f"^the job {job.id} failed: Pipeline {job.id} failed in state CANCELLED: "):
        runners.wait(job)


def test_a_job_server_that_goes_away_leaves_the_job_out_of_sight():
    server = LocalJobServicer()
    server.port = server.start_grpc_server()
    job = submit(server, 2)
    server.stop(None)
    with pytest.raises(JobError, match=rf"^the job {job.id} is out of sight and may go on: .+; see {job.address}$"):
        runners.wait(job)


def test_a_job_that_is_not_taken_says_why(monkeypatch):
    """What answers may be another service than Beam's."""
    monkeypatch.setattr(portable_runner, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    other = types.SimpleNamespace(port=server.add_insecure_port("localhost:0"))
    server.start()
    with pytest.raises(JobError, match="^--runner PortableRunner: the job was not taken: Method not found!$"):
        submit(other, 0)
    server.stop(None)


def test_a_job_that_dataflow_does_not_take_says_why():
    def refuse(pipeline, options):
        raise Forbidden("The caller does not\nhave permission")

    root = beam.Pipeline(runner="FnApiRunner")
    root.runner.run_pipeline = refuse
    with pytest.raises(
        JobError, match="^--runner FnApiRunner: the job was not taken: 403 The caller does not have perm"
    ):
        runners.submit(root)


def test_a_job_on_dataflow_that_cannot_be_asked_for_is_out_of_sight():
    def lose_sight():
        raise AssertionError("Job did not reach to a terminal state")

    found = types.SimpleNamespace(
        has_job=True,
        job_id=lambda: "2026_1",
        wait_until_finish=lose_sight,
        _options=PipelineOptions(["--project=my-project", "--region=us-central1"]),
    )
    with pytest.raises(
        JobError, match="^the job 2026_1 is out of sight and may go on: Job did not .*; see https://cons"
    ):
        runners.wait(runners.Job(found))


def test_a_setup_file_that_fails_is_told(job_server, tmp_path, capfd):
    setup = tmp_path / "setup.py"
    setup.write_text("raise ValueError('no version')")
    with pytest.raises(UserError, match=f"^--setup_file {setup} cannot be built; the lines above say why\n"):
        submit(job_server, 0, f"--setup_file={setup}")
    assert "ValueError: no version" in capfd.readouterr().err


def test_an_interruption_tells_that_the_job_goes_on(caplog):
    def interrupt():
        raise KeyboardInterrupt

    job = runners.Job(types.SimpleNamespace(wait_until_finish=interrupt), {"--job_endpoint": "host:8099"})
    with pytest.raises(KeyboardInterrupt):
        runners.wait(job)
    assert caplog.messages == []
    result = portable_runner.PipelineResult(None, "job-7", iter(()), iter(()))
    result.wait_until_finish = interrupt
    with pytest.raises(KeyboardInterrupt):
        runners.wait(runners.Job(result, {"--job_endpoint": "host:8099"}))
    assert caplog.messages == ["the job job-7 is not stopped by that; see host:8099"]


def test_what_a_person_can_mend_comes_before_the_first_error(job_server, monkeypatch):
    job = submit(job_server, 0)
    texts = [repr_of(OSError(5, "lost")), repr_of(UserError("mend me")), repr_of(UserError("and me"))]
    monkeypatch.setattr(runners.Job, "error_messages", texts)
    assert str(runners._failure(job, "at last")) == "mend me"
    monkeypatch.setattr(runners.Job, "error_messages", texts[:1])
    assert str(runners._failure(job, texts[1])) == "mend me"


def repr_of(error: BaseException) -> str:
    return "Traceback (most recent call last):\n" + "".join(traceback.format_exception_only(error))

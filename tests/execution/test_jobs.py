"""A job on a cluster: its name, where to look at it, and why it failed."""

import http.server
import json
import threading
import types
from collections.abc import Iterator

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.dataflow.dataflow_runner import DataflowPipelineResult
from apache_beam.runners.portability.portable_runner import PipelineResult
from google.api_core.exceptions import Forbidden

from beam_pipelines.execution import jobs
from beam_pipelines.execution.jobs import Job


def portable(*messages: tuple[int, str]) -> PipelineResult:
    """A job on a portable runner, with its messages and their importance."""
    result = PipelineResult(None, "BeamApp-me-1128_7f", iter(()), iter(()))
    result._messages = [
        beam_job_api_pb2.JobMessagesResponse(
            message_response=beam_job_api_pb2.JobMessage(importance=importance, message_text=text)
        )
        for importance, text in messages
    ]
    result._messages.append(beam_job_api_pb2.JobMessagesResponse(state_response=beam_job_api_pb2.JobStateEvent()))
    return result


class Dataflow:
    """A service with three errors, two on its first page, of which one is told as an error."""

    def list_messages(self, job_id: str, page_token: str | None, minimum_importance: str) -> tuple[list, str | None]:
        assert (job_id, minimum_importance) == ("2026-11-28_1", "JOB_MESSAGE_ERROR")
        texts, following = (["first", "second"], "more") if page_token is None else (["third"], None)
        return [types.SimpleNamespace(message_text=text) for text in texts], following


def on_dataflow(job: object = types.SimpleNamespace(id="2026-11-28_1")) -> DataflowPipelineResult:
    flags = PipelineOptions(["--project=my-project", "--region=us-central1"])
    return DataflowPipelineResult(job, types.SimpleNamespace(dataflow_client=Dataflow()), flags)


def test_a_job_on_dataflow_has_a_page_in_the_console():
    job = Job(on_dataflow())
    page = "https://console.cloud.google.com/dataflow/jobs/us-central1/2026-11-28_1?project=my-project"
    assert (job.id, job.address) == ("2026-11-28_1", page)
    assert job.error_messages == ["first", "second", "third"]
    assert not jobs.only_staged(job.result)


def test_dataflow_that_does_not_answer_hides_no_error(monkeypatch):
    def refuse(*_, **more):
        raise Forbidden("no")

    monkeypatch.setattr(Dataflow, "list_messages", refuse)
    assert Job(on_dataflow()).error_messages == []


def test_a_pipeline_that_was_only_staged_is_no_job():
    job = Job(on_dataflow(None))
    assert jobs.only_staged(job.result)
    assert (job.id, job.address, job.error_messages) == (None, None, [])


def test_a_job_in_this_process_is_nowhere_else():
    job = Job(types.SimpleNamespace(state="DONE"))
    assert (job.id, job.address, job.error_messages) == (None, None, [])
    assert not jobs.only_staged(job.result)


def test_a_portable_job_is_found_by_its_endpoint():
    job = Job(portable(), {"--job_endpoint": "localhost:8099"})
    assert (job.id, job.address) == ("BeamApp-me-1128_7f", "localhost:8099")


def test_the_errors_of_a_portable_job_are_told_from_the_first():
    kinds = beam_job_api_pb2.JobMessage
    basic, error = kinds.JOB_MESSAGE_BASIC, kinds.JOB_MESSAGE_ERROR
    assert Job(portable((basic, "started"), (error, "a"), (error, "b"))).error_messages == ["a", "b"]


@pytest.fixture
def flink() -> Iterator[str]:
    """Flink's REST service with two jobs."""

    class Overview(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            names = {"c0ffee": "BeamApp-me-1128", "beef": "another"}
            listed = [{"jid": jid, "name": name, "state": "RUNNING"} for jid, name in names.items()]
            self.send_response(200 if self.path == "/jobs/overview" else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"jobs": listed}).encode())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Overview)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_job_on_flink_has_a_page_in_its_console(flink):
    job = Job(portable(), {"--job_endpoint": "localhost:8099", "--flink_master": flink})
    assert job.address == f"http://{flink}/#/job/running/c0ffee/overview"
    other = PipelineResult(None, "BeamApp-you_1", iter(()), iter(()))
    assert Job(other, {"--flink_master": flink}).address == f"http://{flink}"
    assert Job(other, {"--flink_master": "http://127.0.0.1:9"}).address == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (
            ["--runner=DataflowRunner", "--project=my-project"],
            "the job in https://console.cloud.google.com/dataflow/jo",
        ),
        (["--runner=FlinkRunner", "--flink_master=flink:8081"], "Flink's console, http://flink:8081: free slots"),
        (
            ["--runner=PortableRunner", "--job_endpoint=host:8099"],
            "the logs of the job server, host:8099, and of the cl",
        ),
        (
            ["--runner=PrismRunner"],
            "the workers that Prism starts: it waits for good for one that ends before its work",
        ),
        (["--runner=FnApiRunner"], "the memory of this machine, and whether the disk or object store answers"),
    ],
)
def test_each_runner_has_a_place_to_look_at(arguments, place):
    assert jobs.where_to_look(PipelineOptions(arguments)).startswith(place)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "bundle failed:Traceback (most recent call last):\n  File 'a', line 1\n    x\nKeyError: 'b'\n",
            "KeyError: 'b'",
        ),
        (
            "Traceback (most recent call last):\n  f\nA: cause\n\nDuring handling of the above exception, another "
            "exception occurred:\n\nTraceback (most recent call last):\n  f\nB: effect [while running 'Step']\n",
            "B: effect [while running 'Step']",
        ),
        ("java.lang.X: a\n\tat org.b\nCaused by: Y: no slots\n\tat org.c\nCaused by: Z: timeout\n\tat d", "Z: timeout"),
        (
            "Pipeline job-1 failed in state CANCELLED: unknown error",
            "Pipeline job-1 failed in state CANCELLED: unknown error",
        ),
        ("\n", "unknown error"),
        ("x" * 600, "x" * 500),
    ],
)
def test_an_error_is_told_in_one_line(text, line):
    assert jobs.in_one_line(text) == line

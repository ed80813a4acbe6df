"""A job that a runner has taken: its name, where to look at it, and why it failed."""

import contextlib
import dataclasses
import json
import re
import urllib.request
from typing import Any

from apache_beam.options import pipeline_options
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.runner import PipelineResult

from beam_pipelines.execution import workers

_CONSOLE = "https://console.cloud.google.com/dataflow/jobs"
_TRACEBACK = "Traceback (most recent call last)"
# Of an error that a cluster has no better word for, so much is told.
_MOST_CHARACTERS = 500
# So long Flink is waited for.
_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Job:
    """A pipeline that a runner has taken.

    Attributes:
      result: Beam's.
      cluster: The addresses that the flags named, by flag.
    """

    result: PipelineResult
    cluster: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def id(self) -> str | None:
        """What the cluster calls it; None of one that ran in this process, or was only staged."""
        if isinstance(self.result, portable_runner.PipelineResult):
            return self.result._job_id
        return self._dataflow.job_id() if self._is_on_dataflow else None

    @property
    def address(self) -> str | None:
        """Its page in a console, or the address of what knows of it; None where there is none."""
        if self._is_on_dataflow:
            cloud = self._dataflow._options.view_as(pipeline_options.GoogleCloudOptions)
            return f"{_CONSOLE}/{cloud.region}/{self.id}?project={cloud.project}"
        if master := self.cluster.get("--flink_master"):
            return _page_of_flink(workers.as_url(master), str(self.id))
        return next(iter(self.cluster.values()), None)

    @property
    def error_messages(self) -> list[str]:
        """What the cluster says of its errors, from the first."""
        if isinstance(self.result, portable_runner.PipelineResult):
            messages = [message.message_response for message in self.result._messages]
            error = beam_job_api_pb2.JobMessage.JOB_MESSAGE_ERROR
            return [message.message_text for message in messages if message.importance == error]
        return _dataflow_errors(self._dataflow, str(self.id)) if self._is_on_dataflow else []

    @property
    def _is_on_dataflow(self) -> bool:
        return getattr(self.result, "has_job", False)

    @property
    def _dataflow(self) -> Any:
        """Beam's result, whose class exists only where Dataflow's libraries are installed."""
        return self.result


def only_staged(result: PipelineResult) -> bool:
    """Whether a pipeline was only stored, by --template_location: there is no job, and no result yet."""
    return not getattr(result, "has_job", True)


def _dataflow_errors(result: Any, job_id: str) -> list[str]:
    """Asks Dataflow once more, since Beam (2.77) keeps the last error alone; where it does not answer, for nothing."""
    from google.api_core.exceptions import GoogleAPIError

    errors: list[str] = []
    page: str | None = ""
    with contextlib.suppress(GoogleAPIError):
        while page is not None:
            messages, page = result._runner.dataflow_client.list_messages(
                job_id, page_token=page or None, minimum_importance="JOB_MESSAGE_ERROR"
            )
            errors += [message.message_text for message in messages]
            page = page or None
    return errors


def _page_of_flink(master: str, job_id: str) -> str:
    """The page of a job in Flink's console, which knows it by the first part of Beam's name for it."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        with urllib.request.urlopen(f"{master}/jobs/overview", timeout=_SECONDS) as answer:
            known = json.load(answer)["jobs"]
        found = [job["jid"] for job in known if job["name"] == job_id.rpartition("_")[0] or job["jid"] == job_id]
        if len(found) == 1:
            return f"{master}/#/job/running/{found[0]}/overview"
    return master


def where_to_look(options: pipeline_options.PipelineOptions) -> str:
    """What a person looks at where a job does not get on; the end of a sentence."""
    flags = options.get_all_options()
    name = str(flags["runner"])
    if name in workers.DATAFLOW:
        return f"the job in {_CONSOLE}?project={flags['project']}: its errors, and how many workers it has"
    if name == "FlinkRunner" and flags["flink_master"] not in workers.STARTED_BY_BEAM:
        return f"Flink's console, {workers.as_url(flags['flink_master'])}: free slots, and the TaskManagers' logs"
    if flags["job_endpoint"]:
        return f"the logs of the job server, {flags['job_endpoint']}, and of the cluster's workers"
    if name == "PrismRunner":
        return "the workers that Prism starts: it waits for good for one that ends before its work"
    return "the memory of this machine, and whether the disk or object store answers"


def in_one_line(error_text: str) -> str:
    """What an error of a cluster comes to: the line behind a Python traceback, or the innermost cause of Java's.

    >>> in_one_line("Caused by: X: Traceback (most recent call last):\\n  File 'a'\\nKeyError: 'b'\\n\\n\\tat org.c")
    "KeyError: 'b'"
    >>> in_one_line("JobException: Recovery is suppressed\\n\\tat org.c\\nCaused by: TimeoutException: no heartbeat\\n")
    'TimeoutException: no heartbeat'
    """
    _, is_of_python, traceback = error_text.rpartition(_TRACEBACK)
    if is_of_python:
        told = [line for line in traceback.splitlines()[1:] if line.strip() and not line[0].isspace()][:1]
    else:
        told = re.findall(r"^Caused by: (.*)$", error_text, re.MULTILINE)[-1:]
    told += [line for line in error_text.splitlines() if line.strip()] or ["unknown error"]
    return told[0].strip()[:_MOST_CHARACTERS]

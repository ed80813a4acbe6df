"""A worker process that dies ends the job at once."""

import os
import pathlib
import signal
import time

import apache_beam as beam
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, S3Options

from beam_pipelines.errors import JobError, UserError
from beam_pipelines.execution import runners, worker_processes

IN_PROCESSES = ["--runner=FnApiRunner", "--direct_running_mode=multi_processing"]


class Work(beam.DoFn):
    """Writes which process works; the one that comes first is killed there, the other one works for an hour."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def process(self, element):
        (self.folder / str(os.getpid())).touch()
        first = not (self.folder / "killed").exists()
        (self.folder / "killed").touch()
        if first:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)


def test_a_killed_worker_process_ends_the_job_and_the_others(tmp_path):
    started = time.monotonic()
    root = beam.Pipeline(options=PipelineOptions([*IN_PROCESSES, "--direct_num_workers=2"]))
    _ = root | beam.Create(range(100)) | beam.Reshuffle() | beam.ParDo(Work(tmp_path))
    with pytest.raises(JobError, match="^a worker process was ended by SIGKILL, as when memory runs out; fewer --dire"):
        runners.run(root)
    assert time.monotonic() - started < 60
    processes = [int(path.name) for path in tmp_path.iterdir() if path.name != "killed"]
    assert processes
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_worker_process_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr(worker_processes, "_MODULE", "no_such_module")
    root = beam.Pipeline(options=PipelineOptions(IN_PROCESSES))
    _ = root | beam.Create([1])
    with pytest.raises(JobError, match=r"^a worker process was ended by status 1: .*No module named no_such_module$"):
        runners.run(root)


def tell_shares(path: pathlib.Path) -> None:
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    path.write_text(" ".join(os.environ[name] for name in names))


def test_worker_processes_share_the_cores_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "5")
    root = beam.Pipeline(options=PipelineOptions([*IN_PROCESSES, "--direct_num_workers=2"]))
    _ = root | beam.Create([tmp_path / "told"]) | beam.Map(tell_shares)
    runners.run(root)
    assert (tmp_path / "told").read_text() == "3 3 5"


class Fail(beam.DoFn):
    def process(self, element):
        raise UserError("a.csv: broken")


def test_what_a_worker_process_raises_is_not_printed_too(capfd):
    root = beam.Pipeline(options=PipelineOptions(IN_PROCESSES))
    _ = root | beam.Create([1]) | beam.ParDo(Fail())
    with pytest.raises(UserError, match="^a.csv: broken"):
        runners.run(root)
    assert capfd.readouterr() == ("", "")


class TellEndpoint(beam.DoFn):
    """Writes which server of S3 a worker process would ask."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def process(self, element):
        self.path.write_text(str(FileSystems._pipeline_options.view_as(S3Options).s3_endpoint_url))


def test_beams_flags_reach_the_worker_processes(tmp_path):
    root = beam.Pipeline(options=PipelineOptions([*IN_PROCESSES, "--s3_endpoint_url=http://localhost:5000"]))
    _ = root | beam.Create([1]) | beam.ParDo(TellEndpoint(tmp_path / "told"))
    runners.run(root)
    assert (tmp_path / "told").read_text() == "http://localhost:5000"


def test_another_error_is_none_of_an_ended_process():
    assert worker_processes.ending_of("Traceback ...\nValueError: status 1") is None
    assert worker_processes.ending_of(f"{worker_processes.ENDED}status 1\n [while running]") == "status 1"

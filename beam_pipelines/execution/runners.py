"""Beam's options and runners: what is wrong with them, told in one sentence, and what a worker raised."""

import argparse
import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import grpc
from apache_beam import runners
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.runner import PipelineResult
from apache_beam.runners.worker import sdk_worker

from beam_pipelines.commands import flags
from beam_pipelines.errors import JobError, UserError, logger, user_error_of
from beam_pipelines.execution import answers, jobs, remote_checks, worker_processes, workers
from beam_pipelines.execution.jobs import Job
from beam_pipelines.files import object_stores, storage

# How a runner of Beam 2.77 begins to say that it lacks an address.
_LACKING = "You must specify"
# How Beam 2.77 begins to tell that a program of its own failed, whose lines are printed.
_BUILD_FAILED = "Full trace: "
_NO_MODULE = re.compile(r"^ModuleNotFoundError: No module named '(beam_pipelines|trainer)\b", re.MULTILINE)
_SYSTEM_ERROR = re.compile(r"^\S*Error: (\[Errno \d+\] .*?)(?: \[while running .*)?$", re.MULTILINE)


def options_of(arguments: list[str], settings_class: type, program: str) -> pipeline_options.PipelineOptions:
    """Turns the arguments that are none of ours into Beam's options.

    Without `--runner`, or with the name that users know, `DirectRunner`, the job runs on Beam's
    in-memory runner: DirectRunner of Beam 2.77 would first try to download another runner.

    Raises:
      SystemExit: Beam does not know one of them either.
      UserError: The runner cannot be used, or not with these flags.
    """
    parsers: list[argparse.ArgumentParser] = []
    options = pipeline_options.PipelineOptions(arguments)
    options.get_all_options(add_extra_args_fn=parsers.append)
    flags.refuse_unknown(parsers[0].parse_known_args(arguments)[1], settings_class, program)
    standard = options.view_as(pipeline_options.StandardOptions)
    if standard.runner is None or standard.runner.lower() in ("directrunner", "direct"):
        standard.runner = "FnApiRunner"
    # The launching process opens files too, before there is a pipeline.
    object_stores.set_options(options)
    check(options)
    return options


def work_here(options: pipeline_options.PipelineOptions) -> bool:
    """Whether the workers of a job are in this process."""
    name = options.view_as(pipeline_options.StandardOptions).runner
    return name is None or workers.workers_of(options, runners.create_runner(name)).are_here


def check(options: pipeline_options.PipelineOptions) -> None:
    """Looks at the runner and its flags as `beam.Pipeline` will, and at what it needs beyond this process.

    Raises:
      UserError: There is no such runner, it lacks a flag or cannot be imported, or its temporary folder or what the
        job is sent to cannot be reached.
    """
    name = options.view_as(pipeline_options.StandardOptions).runner
    try:
        runner = runners.create_runner(name)
    except ValueError:
        known = ", ".join(sorted(pipeline_options.StandardOptions.KNOWN_RUNNER_NAMES))
        raise UserError(f"--runner {name} is unknown; Beam has {known}, or give PACKAGE.MODULE.CLASS") from None
    except (ImportError, AttributeError) as error:
        raise UserError(f"--runner {name} cannot be used here: {error}") from None
    found = remote_checks.check_flags(options, runner)
    cloud = options.view_as(pipeline_options.GoogleCloudOptions)
    for location in filter(None, (cloud.temp_location, cloud.staging_location)):
        # Without credentials, Dataflow's own look at it takes minutes (Beam 2.77).
        storage.exists(location)
    if faults := PipelineOptionsValidator(options, runner).validate():
        raise UserError(f"--runner {name}: {' '.join(faults)}")
    answers.check(options, runner, found)


def run(pipeline: beam.Pipeline) -> PipelineResult:
    """Runs a pipeline to its end, or stages it where --template_location says so: see `jobs.only_staged`.

    What may be raised is that of `submit` and `wait`.
    """
    job = submit(pipeline)
    wait(job)
    return job.result


def submit(pipeline: beam.Pipeline) -> Job:
    """Hands a pipeline to its runner; one that runs in this process is then at its end.

    Raises:
      UserError: A worker in this process raised it, with its own message and status; or the runner lacks something,
        in its own words.
      JobError: A worker process has ended, or the cluster does not take the job.
      OSError: A worker raised it, such as of a full disk.
      KeyboardInterrupt: A worker was interrupted.
    """
    name = type(pipeline.runner).__name__
    cluster = workers.cluster_of(pipeline.options, pipeline.runner)
    if isinstance(pipeline.runner, portable_runner.PortableRunner):
        _wait_without_deadline(pipeline.runner)
    worker_processes.watch(pipeline.options)
    try:
        with _told_once():
            return Job(pipeline.run(), cluster)
    except grpc.RpcError as error:
        raise JobError(f"--runner {name}: the job was not taken: {_in_a_line(error)}") from None
    except RuntimeError as error:
        if str(error).startswith(_LACKING):
            raise UserError(f"--runner {name}: {error}") from None
        if str(error).startswith(_BUILD_FAILED):
            given = pipeline.options.view_as(pipeline_options.SetupOptions).setup_file
            raise UserError(f"--setup_file {given} cannot be built; the lines above say why") from None
        if worker_error := _worker_error(str(error)):
            raise worker_error from None
        raise
    except Exception as error:
        # Dataflow's libraries are imported with its runner alone.
        if not type(error).__module__.startswith("google."):
            raise
        raise JobError(f"--runner {name}: the job was not taken: {_in_a_line(error)}") from None


def wait(job: Job) -> None:
    """Waits for the end of a job.

    Raises:
      UserError: A worker raised it, with its own message and status.
      JobError: The job failed for another reason, was cancelled, or is no longer in sight.
      OSError: A worker raised it, such as of a full disk.
      KeyboardInterrupt: A worker was interrupted, or this process was, and the job may go on.
    """
    try:
        with _told_once():
            job.result.wait_until_finish()
    except KeyboardInterrupt:
        if job.id:
            logger.warning("the job %s is not stopped by that; see %s", job.id, job.address)
        raise
    except Exception as error:
        if job.id is None:
            raise
        raise _reason(job, error) from None


def _reason(job: Job, error: Exception) -> BaseException:
    """Why the wait for a job has ended without its result."""
    # The latter where the thread that asks Dataflow for the job's state has ended before the job (Beam 2.77).
    if isinstance(error, grpc.RpcError | AssertionError):
        return JobError(f"the job {job.id} is out of sight and may go on: {_in_a_line(error)}{_see(job)}")
    return _failure(job, str(error))


@contextlib.contextmanager
def _told_once() -> Iterator[None]:
    """Leaves what ends a job to who waits for it: Beam's threads print tracebacks of it too (Beam 2.77)."""
    names, hook = vars(sdk_worker), threading.excepthook
    names["print"] = lambda *values, file=None: None
    threading.excepthook = lambda raised: None if issubclass(raised.exc_type, grpc.RpcError) else hook(raised)
    try:
        yield
    finally:
        for thread in threading.enumerate():
            # The one that reads the job's messages meets a lost connection a moment later.
            if thread.name == "wait_until_finish_read":
                thread.join(timeout=1)
        names.pop("print", None)
        threading.excepthook = hook


def _wait_without_deadline(runner: Any) -> None:
    """Lets --job_server_timeout end requests, and no longer the wait for a job's end, as Beam 2.77 has it."""
    make_handle = runner.create_job_service_handle

    def create_job_service_handle(job_service, options):
        handle = make_handle(job_service, options)
        run_prepared = handle.run

        def run(preparation_id):
            handle.timeout = None
            return run_prepared(preparation_id)

        handle.run = run
        return handle

    runner.create_job_service_handle = create_job_service_handle


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error.details() if isinstance(error, grpc.Call) else error).split())


def _see(job: Job) -> str:
    return f"; see {job.address}" if job.address else ""


def _failure(job: Job, last_text: str) -> BaseException:
    """Why a job failed: what a person can mend before what a worker met otherwise, and always the first."""
    texts = [*job.error_messages, last_text]
    errors = [error for text in texts if (error := _worker_error(text))]
    to_be_mended = [error for error in errors if isinstance(error, UserError)]
    if errors:
        return (to_be_mended or errors)[0]
    return JobError(f"the job {job.id} failed: {jobs.in_one_line(texts[0])}{_see(job)}")


def _worker_error(traceback_text: str) -> BaseException | None:
    """What a person has to know of a worker's traceback, as the error that was raised there; None of a bug."""
    if user_error := user_error_of(traceback_text):
        return user_error
    if ending := worker_processes.ending_of(traceback_text):
        return JobError(f"a worker process was ended by {ending}")
    if "KeyboardInterrupt" in traceback_text:
        return KeyboardInterrupt()
    if _NO_MODULE.search(traceback_text):
        return UserError("a worker lacks this project; give --setup_file ./setup.py of a checkout of it")
    system_error = _SYSTEM_ERROR.search(traceback_text)
    return OSError(system_error[1]) if system_error else None

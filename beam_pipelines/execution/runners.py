"""Beam's options and runners: what is wrong with them, told in one sentence, and what a worker raised."""

import argparse
import re

import apache_beam as beam
from apache_beam import runners
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.runner import PipelineResult

from beam_pipelines.commands import flags
from beam_pipelines.errors import JobError, UserError, user_error_of
from beam_pipelines.execution import answers, remote_checks, worker_processes
from beam_pipelines.files import object_stores, storage

# How a runner of Beam 2.77 begins to say what it lacks: a job server, its own program, an address.
_LACKING = ("Unable to fetch remote", "You must specify")
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
    workers = remote_checks.check_flags(options, runner)
    cloud = options.view_as(pipeline_options.GoogleCloudOptions)
    for location in filter(None, (cloud.temp_location, cloud.staging_location)):
        # Without credentials, Dataflow's own look at it takes minutes (Beam 2.77).
        storage.exists(location)
    if faults := PipelineOptionsValidator(options, runner).validate():
        raise UserError(f"--runner {name}: {' '.join(faults)}")
    answers.check(options, runner, workers)


def run(pipeline: beam.Pipeline) -> PipelineResult:
    """Runs a pipeline to its end and returns its result.

    Raises:
      UserError: A worker raised it, with its own message and status; or the runner lacks something, in its own
        words.
      OSError: A worker raised it, such as of a full disk.
      KeyboardInterrupt: A worker was interrupted.
    """
    try:
        with worker_processes.watched(pipeline.options):
            result = pipeline.run()
        result.wait_until_finish()
        return result
    except RuntimeError as error:
        if str(error).startswith(_LACKING):
            raise UserError(f"--runner {type(pipeline.runner).__name__}: {error}") from None
        if worker_error := _worker_error(str(error)):
            raise worker_error from None
        raise


def _worker_error(traceback_text: str) -> BaseException | None:
    """What a person has to know of a worker's traceback, as the error that was raised there; None of a bug."""
    if user_error := user_error_of(traceback_text):
        return user_error
    if ending := worker_processes.ending_of(traceback_text):
        return JobError(
            f"a worker process was ended by {ending}; --direct_num_workers with fewer processes takes less memory"
        )
    if "KeyboardInterrupt" in traceback_text:
        return KeyboardInterrupt()
    system_error = _SYSTEM_ERROR.search(traceback_text)
    return OSError(system_error[1]) if system_error else None

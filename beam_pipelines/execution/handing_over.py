"""Hands a pipeline to its runner, and leaves it there where nobody is to wait for its end."""

import contextlib

import apache_beam as beam
import grpc
from apache_beam.runners.runner import PipelineState

from beam_pipelines.commands import job_folder
from beam_pipelines.errors import logger
from beam_pipelines.execution import jobs, remote_checks, runners


def hand_over(pipeline: beam.Pipeline, folder: str, *, no_wait: bool, then: str) -> jobs.Job | None:
    """Submits a pipeline; returns the job to wait for, or None where its end is not waited for.

    Args:
      pipeline: Not yet submitted.
      folder: Of the output. Its manifest notes what a cluster calls the job, so that nobody else takes it while that
        lives.
      no_wait: Whether to leave the job to a cluster; one that runs in this process is at its end by then.
      then: The command to go on with when it has ended.
    """
    ends_here = remote_checks.why_ends_here(pipeline.options)
    job = runners.submit(pipeline)
    if jobs.only_staged(job.result):
        logger.info("the job is staged; start it, and when it has ended: %s", then)
        return None
    if job.id is None or ends_here:
        return job
    job_folder.update_manifest(folder, **{job_folder.SUBMITTED: job.id})
    if not no_wait:
        return job
    logger.info("the job %s goes on; see %s", job.id, job.address or "its runner")
    logger.info("when it has ended: %s", then)
    return None


def wait(job: jobs.Job, folder: str) -> None:
    """Waits for the end of a job, whose folder is then free of it; what may be raised is that of `runners.wait`."""
    try:
        runners.wait(job)
    finally:
        # A cluster that is out of sight may work on.
        with contextlib.suppress(grpc.RpcError):
            if job.id and PipelineState.is_terminal(job.result.state):
                job_folder.clear_submitted(folder)

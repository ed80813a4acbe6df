"""Hands a pipeline to its runner, and leaves it there where nobody is to wait for its end."""

import apache_beam as beam

from beam_pipelines.commands import job_folder
from beam_pipelines.errors import logger
from beam_pipelines.execution import jobs, runners


def hand_over(pipeline: beam.Pipeline, folder: str, *, no_wait: bool, then: str) -> jobs.Job | None:
    """Submits a pipeline; returns the job to wait for, or None where its end is not waited for.

    Args:
      pipeline: Not yet submitted.
      folder: Of the output. Its manifest notes what a cluster calls the job, so that it is not freed while that lives.
      no_wait: Whether to leave the job to a cluster; one that runs in this process is at its end by then.
      then: The command to go on with when it has ended.
    """
    job = runners.submit(pipeline)
    if jobs.only_staged(job.result):
        logger.info("the job is staged; start it, and when it has ended: %s", then)
        return None
    if job.id is None:
        return job
    job_folder.update_manifest(folder, **{job_folder.SUBMITTED: job.id})
    if not no_wait:
        return job
    logger.info("the job %s goes on; see %s", job.id, job.address or "its runner")
    logger.info("when it has ended: %s", then)
    return None

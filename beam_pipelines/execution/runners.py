"""What can be wrong with `--runner` and with what that runner needs, told before or instead of Beam's tracebacks."""

from apache_beam import runners
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

# How a runner of Beam 2.77 begins to say what it lacks: a job server, its own program, an address.
_LACKING = ("Unable to fetch remote", "You must specify")


def check(options: pipeline_options.PipelineOptions) -> None:
    """Looks at the runner and its flags as `beam.Pipeline` will.

    Raises:
      UserError: There is no such runner, it lacks a flag or cannot be imported, or its temporary folder cannot be
        reached.
    """
    name = options.view_as(pipeline_options.StandardOptions).runner
    cloud = options.view_as(pipeline_options.GoogleCloudOptions)
    for location in filter(None, (cloud.temp_location, cloud.staging_location)):
        # Without credentials, Dataflow's own look at it takes minutes (Beam 2.77).
        storage.exists(location)
    try:
        runner = runners.create_runner(name)
    except ValueError:
        known = ", ".join(sorted(pipeline_options.StandardOptions.KNOWN_RUNNER_NAMES))
        raise UserError(f"--runner {name} is unknown; Beam has {known}, or give PACKAGE.MODULE.CLASS") from None
    except (ImportError, AttributeError) as error:
        raise UserError(f"--runner {name} cannot be used here: {error}") from None
    if faults := PipelineOptionsValidator(options, runner).validate():
        raise UserError(f"--runner {name}: {' '.join(faults)}")


def run(pipeline):
    """Runs a pipeline to its end, or to where its runner has it in hand; returns its result.

    Raises:
      UserError: The runner lacks something; in its own words.
    """
    try:
        return pipeline.run()
    except RuntimeError as error:
        if str(error).startswith(_LACKING):
            raise UserError(f"--runner {type(pipeline.runner).__name__}: {error}") from None
        raise

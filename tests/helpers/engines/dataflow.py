"""A job staged for Dataflow, without its service, and what was staged run on Prism.

    python -m tests.helpers.engines.dataflow gs://BUCKET/staging/.../pipeline.pb /path/to/start.sh

runs a staged pipeline with workers that a program starts, as Dataflow would in the containers of its machines.
"""

import sys

from tests.helpers.engines.processes import ENGINES


def flags(bucket: str) -> list[str]:
    """The flags of a job that is staged as a template: all but the service takes part."""
    return [
        "--runner=DataflowRunner",
        "--project=reviews",
        "--region=us-central1",
        f"--temp_location={bucket}/temporary",
        f"--staging_location={bucket}/staging",
        f"--template_location={bucket}/template",
        "--setup_file=./setup.py",
    ]


def main(pipeline_path: str, start_worker: str) -> None:
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.prism_runner import PrismRunner

    with FileSystems.open(pipeline_path) as file:
        pipeline = beam_runner_api_pb2.Pipeline.FromString(file.read())
    for environment in pipeline.components.environments.values():
        _start_by(environment, start_worker)
    options = PipelineOptions([f"--prism_location={ENGINES}/beam/prism"])
    PrismRunner().run_portable_pipeline(pipeline, options).wait_until_finish()


def _start_by(environment, start_worker: str) -> None:
    """Has a program start the workers in place of a container, with the same staged files."""
    from apache_beam.portability import common_urns
    from apache_beam.portability.api import beam_runner_api_pb2 as api

    environment.urn = common_urns.environments.PROCESS.urn
    environment.payload = api.ProcessPayload(command=start_worker).SerializeToString()
    # As files, they are read by Beam's filesystems, which know gs://; of a URL they are not.
    for staged in environment.dependencies:
        url = api.ArtifactUrlPayload.FromString(staged.type_payload).url
        staged.type_urn = common_urns.artifact_types.FILE.urn
        staged.type_payload = api.ArtifactFilePayload(path=url).SerializeToString()


if __name__ == "__main__":
    main(*sys.argv[1:])

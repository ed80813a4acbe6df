"""What cannot work with workers that are not this process, told before any work in one sentence."""

import importlib.metadata
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

from apache_beam import runners
from apache_beam.options import pipeline_options
from apache_beam.runners.runner import PipelineRunner
from packaging.requirements import Requirement

from beam_pipelines.errors import UserError
from beam_pipelines.execution import workers
from beam_pipelines.execution.workers import Place, Workers
from beam_pipelines.files import storage

# By Beam's flag, where a worker finds the same in its environment.
CREDENTIALS = {
    "s3_access_key_id": "AWS_ACCESS_KEY_ID",
    "s3_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "s3_session_token": "AWS_SESSION_TOKEN",
    "azure_connection_string": "AZURE_STORAGE_CONNECTION_STRING",
}
_SECRET_NAME = re.compile(r"(?i)secret|password|token|access_?key|connection_string")
_SETUP_FILES = ("setup.py", "pyproject.toml")


def check_flags(options: pipeline_options.PipelineOptions, runner: PipelineRunner) -> Workers:
    """Looks at the flags of a runner without asking anybody.

    Returns:
      Where its workers are.

    Raises:
      UserError: A flag is missing, cannot be used with another one, or would publish a secret.
    """
    try:
        found = workers.workers_of(options, runner)
    except ValueError as error:
        raise UserError(str(error)) from None
    if found.are_remote:
        _refuse_credentials(options, found)
        _require_endpoint(options, found)
        _require_dataflow(options, runner, found)
        _require_reachable_loopback(options, found)
        _settle_setup_file(options)
        _require_packages(options, found)
    return found


def check_paths(
    options: pipeline_options.PipelineOptions,
    *,
    reads: Iterable[tuple[str, str | None]],
    writes: Iterable[tuple[str, str]],
) -> None:
    """Refuses what the workers read or write on the disk of this machine, where they do not see it.

    Args:
      options: Beam's, which `runners.options_of` has looked at.
      reads: Flags and the paths that they give; None for a flag that is not given.
      writes: The same of what is written.

    Raises:
      UserError: Names the flag and its path, and what to give instead.
    """
    name = options.view_as(pipeline_options.StandardOptions).runner
    if name is None:
        return
    found = workers.workers_of(options, runners.create_runner(name))
    given = [(flag, path, "copy it to") for flag, path in reads if path]
    given += [(flag, path, "give a folder of") for flag, path in writes]
    for flag, path, remedy in given:
        if storage.is_local(path) and not found.see(path):
            raise UserError(f"{flag} {path} is on this machine, {_unseen(found, remedy)}")


def check_outlives(options: pipeline_options.PipelineOptions) -> None:
    """Refuses to leave a job alone that needs this process.

    Args:
      options: Beam's, which `runners.options_of` has looked at.

    Raises:
      UserError: The runner, its workers or its job server run in this process or end with it.
    """
    if why := why_ends_here(options):
        raise UserError(f"--no_wait cannot be: {why}")


def why_ends_here(options: pipeline_options.PipelineOptions) -> str | None:
    """Why a job ends with this process; None of one that a cluster goes on with."""
    runner = runners.create_runner(options.view_as(pipeline_options.StandardOptions).runner)
    found = workers.workers_of(options, runner)
    if found.place is Place.DATAFLOW:
        return None
    if not found.are_remote:
        return f"--runner {found.runner} runs the job in this process"
    if found.environment == workers.LOOPBACK:
        return "workers of --environment_type LOOPBACK run in this process"
    if not found.cluster or workers.needs_job_server(options, runner):
        return (
            f"--runner {found.runner} starts a job server that ends with this process, where no --job_endpoint is given"
        )
    return None


def _unseen(found: Workers, remedy: str) -> str:
    """The end of a sentence that begins with a local path."""
    if found.place is Place.DATAFLOW:
        return f"and Dataflow's workers do not see it; {remedy} gs://BUCKET/..."
    stores = f"{remedy} gs://BUCKET/... or s3://BUCKET/..."
    if found.place is Place.CONTAINERS:
        here = (
            ", or give --environment_type LOOPBACK, whose workers run in this process" if found.cluster_is_here else ""
        )
        return f"and workers in containers (--environment_type DOCKER) do not see it; {stores}{here}"
    flag, address = next(iter(found.cluster.items()))
    return (
        f"and the workers of {flag} {address} may not see it; {stores}, or say with --shared_folder FOLDER that all of "
        "them see a folder around it under the same path"
    )


def _refuse_credentials(options: pipeline_options.PipelineOptions, found: Workers) -> None:
    """Refuses secrets that would be sent along in the job's description, where consoles show them."""
    given = options.get_all_options()
    for flag, variable in CREDENTIALS.items():
        if given.get(flag):
            raise UserError(
                f"--{flag} would stand in the job's description, which --runner {found.runner} sends away and others "
                f"can read; leave it out, and set {variable} in the environment of this command and of the workers"
            )
    for name in _process_variables(options):
        if _SECRET_NAME.search(name):
            raise UserError(
                f"{name} of the workers' environment would stand in the job's description, which others can read; set "
                "it where the workers are started"
            )


def _process_variables(options: pipeline_options.PipelineOptions) -> Iterator[str]:
    """The names of the environment variables that flags give to worker processes."""
    portable = options.view_as(pipeline_options.PortableOptions)
    given = portable.lookup_environment_option("process_variables")
    for assignment in str(given or "").split(","):
        yield assignment.partition("=")[0]
    try:
        config = json.loads(portable.environment_config or "{}")
    except ValueError:
        return
    variables = config.get("env") if isinstance(config, dict) else None
    yield from variables if isinstance(variables, dict) else ()


def _require_endpoint(options: pipeline_options.PipelineOptions, found: Workers) -> None:
    if found.runner == "PortableRunner" and not options.view_as(pipeline_options.PortableOptions).job_endpoint:
        raise UserError("--runner PortableRunner also needs --job_endpoint HOST:PORT, the address of a Beam job server")


def _require_dataflow(options: pipeline_options.PipelineOptions, runner: Any, found: Workers) -> None:
    """Requires the flags that Dataflow has no default for; Beam would first try to make a bucket of its own."""
    if found.place is not Place.DATAFLOW:
        return
    cloud = options.view_as(pipeline_options.GoogleCloudOptions)
    locations = [location or "" for location in (cloud.temp_location, cloud.staging_location)]
    missing = {
        "--project PROJECT": not cloud.project,
        # The environment or gcloud may know it.
        "--region REGION": not (cloud.region or runner.get_default_gcp_region()),
        "--temp_location gs://BUCKET/FOLDER": not any(location.startswith("gs://") for location in locations),
    }
    if flags := [flag for flag, is_missing in missing.items() if is_missing]:
        raise UserError(f"--runner {found.runner} also needs {_and(flags)}")


def _and(names: list[str]) -> str:
    """Joins names as in a sentence.

    >>> _and(["a"]), _and(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _require_reachable_loopback(options: pipeline_options.PipelineOptions, found: Workers) -> None:
    """Refuses workers in this process where the cluster would look for them on its own machine."""
    if found.environment != workers.LOOPBACK or found.cluster_is_here:
        return
    flag, address = next(
        (flag, address)
        for flag, address in found.cluster.items()
        if not workers.is_this_machine(workers.host_of(address))
    )
    raise UserError(
        f"{flag} {address} is on another machine, which cannot reach workers in this process (--environment_type "
        "LOOPBACK); give --environment_type DOCKER, PROCESS or EXTERNAL"
    )


def _require_packages(options: pipeline_options.PipelineOptions, found: Workers) -> None:
    """Requires a way for containers, which hold Beam alone, to get this project."""
    setup = options.view_as(pipeline_options.SetupOptions)
    sent = (setup.setup_file, setup.extra_packages, setup.requirements_file, setup.prebuild_sdk_container_engine)
    portable = options.view_as(pipeline_options.PortableOptions)
    if found.place is Place.DATAFLOW:
        flag = "--sdk_container_image"
        image = options.view_as(pipeline_options.WorkerOptions).sdk_container_image
    elif found.place is Place.CONTAINERS:
        flag = "--environment_config"
        image = portable.environment_config or portable.lookup_environment_option("docker_container_image")
    else:
        return
    if not (image or any(sent)):
        raise UserError(
            f"--runner {found.runner}: the workers lack this project; give --setup_file ./setup.py of a checkout of "
            f"it, or {flag} with an image that holds it"
        )


def _settle_setup_file(options: pipeline_options.PipelineOptions) -> None:
    """Looks at what --setup_file names, and whether it can be built here.

    Its path becomes absolute, since Beam goes to its folder and fails where that is the current one (Beam 2.77).
    """
    setup = options.view_as(pipeline_options.SetupOptions)
    if not setup.setup_file:
        return
    given, path = setup.setup_file, os.path.abspath(os.path.expanduser(setup.setup_file))
    if os.path.basename(path) not in _SETUP_FILES:
        raise UserError(f"--setup_file {given} is no {' or '.join(_SETUP_FILES)}")
    if not os.path.isfile(path):
        raise UserError(f"--setup_file {given} does not exist; name the setup.py of a checkout of this project")
    if lacking := _lacking_for_build(os.path.dirname(path)):
        wanted = " ".join(f"'{requirement}'" for requirement in lacking)
        raise UserError(f"--setup_file {given} cannot be built in this environment; run: pip install {wanted}")
    setup.setup_file = path


def _lacking_for_build(folder: str) -> list[str]:
    """What a project's build requires and this environment has not, since Beam builds it here."""
    try:
        with open(os.path.join(folder, "pyproject.toml"), "rb") as file:
            required = tomllib.load(file).get("build-system", {}).get("requires", [])
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return []
    return [text for text in required if not _is_installed(Requirement(text))]


def _is_installed(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False

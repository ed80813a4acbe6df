"""Writes what it takes to run an export in TensorFlow Serving.

python -m serving.configure --export trained --output service
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator

from google.protobuf import text_format

from beam_pipelines.artifacts import exports
from beam_pipelines.commands import entry, flags, job_folder, job_lock
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import leases, storage
from serving import messages
from serving.configuring import files
from serving.configuring.service import Service, find
from serving.configuring.settings import MODULE, ConfigureSettings
from serving.publishing.live_folder import LiveFolder

AFTER_INTERRUPTION = "with --overwrite, the same command begins anew"


# By a server without privileges, whatever the umask is: it reads the folder as /config.
READABLE, ENTERABLE = 0o644, 0o755
# What a service that runs has to be told of a file that has changed; it reads the others itself, or at its start.
AFTER_CHANGE = {
    "compose.yaml": "docker compose up --detach --wait starts the server anew for it",
    "nginx.conf": "nginx reads it at nginx -s reload",
    "batching.config": "a server reads it when it starts",
}
MODELS = "models.config"
# The flags that differ from step to step.
OF_A_CHANGE = ("export", "output", "canary", "drain_canary", "overwrite")


def run(settings: ConfigureSettings) -> tuple[Service, dict[str, str]]:
    """Writes the files, each whole or not at all.

    Returns:
      The service that they describe, and what to do about each file that was there and has changed.

    Raises:
      UserError: There is no such export, it is damaged, its folder is in use, or the output holds something else.
    """
    if not storage.is_local(settings.output):
        raise UserError(
            f"--output {settings.output}: what starts the server reads these files here; name a local folder"
        )
    folder = os.path.dirname(exports.find(settings.export, "--export").path)
    with _unchanged(folder):
        return _write(settings)


@contextlib.contextmanager
def _unchanged(folder: str) -> Iterator[None]:
    """Keeps serving.publish out of a folder of versions, until what is needed of it is noted there.

    Raises:
      UserError: It is at work there.
    """
    # Where nothing can be noted, nothing can be locked.
    with job_lock.only_job(folder) if os.access(folder, os.W_OK) else contextlib.nullcontext():
        yield


def _write(settings: ConfigureSettings) -> tuple[Service, dict[str, str]]:
    service = find(settings)
    for export in service.versions:
        if pathlib.Path(storage.absolute(settings.output)).is_relative_to(export.path):
            raise UserError(f"--output {settings.output} lies in {export.path}, a version; choose another folder")
    rendered = files.render(service)
    dropped = _dropped_flags(settings)
    before = {name: path.read_text() for name in rendered if (path := pathlib.Path(settings.output, name)).is_file()}
    job_folder.claim(
        settings.output,
        job_folder.manifest(MODULE, settings, [*files.FILES]),
        overwrite=settings.overwrite,
        reads=[export.path for export in service.versions],
    )
    for line in dropped:
        logger.warning(line)
    for name, text in rendered.items():
        storage.write_bytes(settings.output, name, text.encode())
        os.chmod(pathlib.Path(settings.output, name), READABLE)
    leases.clear_temporary(settings.output)
    os.chmod(settings.output, ENTERABLE)
    changed = {name: AFTER_CHANGE.get(name, "") for name, text in before.items() if text != rendered[name]}
    refused = refused_labels(before[MODELS], rendered[MODELS]) if MODELS in changed else []
    # A server that refuses the file goes on with the versions before.
    _pin(service, keep_earlier=bool(refused))
    if refused:
        changed[MODELS] = (
            f"a server that runs with the one before refuses it, since it moves {' and '.join(refused)} to a version "
            "that is not loaded: go by the steps in README.md, or docker compose restart"
        )
    return service, changed


def refused_labels(before: str, after: str) -> list[str]:
    """The labels of a models.config that a server which runs with another one would refuse.

    It moves a label that it has only to a version that it has loaded (`ServerCore::UpdateModelVersionLabelMap` in
    tensorflow_serving/model_servers/server_core.cc), and where it refuses one, it loads nothing of the file.
    """
    try:
        old, new = (text_format.Parse(text, messages.ModelServerConfig()) for text in (before, after))
    except text_format.ParseError:  # Somebody has written into it.
        return []
    (has,) = new.model_config_list.config
    named = [config for config in old.model_config_list.config if config.name == has.name]
    if not named:
        return []
    had = named[0]
    if not had.model_version_policy.HasField("specific"):
        return []
    loaded = set(had.model_version_policy.specific.versions)
    return [
        label
        for label, version in sorted(has.version_labels.items())
        if had.version_labels.get(label, version) != version and version not in loaded
    ]


def _dropped_flags(settings: ConfigureSettings) -> list[str]:
    """Tells which flags the command before was given, and this one was not, a line each."""
    earlier = (job_folder.read(settings.output) or {}).get("settings", {})
    names = [field.name for field in dataclasses.fields(settings) if field.name not in OF_A_CHANGE]
    return [
        f"--{name} was {earlier[name]}, and is {getattr(settings, name)} now: README.md had commands with all flags"
        for name in names
        if name in earlier and earlier[name] != getattr(settings, name)
    ]


def _pin(service: Service, *, keep_earlier: bool) -> None:
    """Notes in the folder of the versions which of them must stay."""
    folder, output = LiveFolder(service.folder), storage.absolute(service.settings.output)
    versions = {export.version for export in service.versions}
    try:
        folder.pin(output, sorted(versions.union(folder.pins().get(output, []) if keep_earlier else [])))
    except OSError as error:
        logger.warning("%s cannot be written to (%s): serving.publish will not know what is pinned", folder.path, error)


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(ConfigureSettings, program, argv)
    flags.refuse_unknown(others, ConfigureSettings, program)
    service, changed = run(settings)
    labels = ", ".join(f"version {version} as {label}" for label, version in service.labels.items())
    batching = "on" if service.batching else "off"
    print(f"{settings.output}: {labels}; batching {batching}; memory limit {service.compose_memory_mib:,} MiB")
    if service.compose_memory_mib < service.computed_memory_mib:
        logger.warning(
            "--memory_mib %d is less than the %d that it takes", service.compose_memory_mib, service.computed_memory_mib
        )
    for name, advice in changed.items():
        print(f"changed: {name}" + (f"; {advice}" if advice else ""))
    print(f"how to start it and to change the version: {storage.join(settings.output, 'README.md')}")
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)

"""Writes what it takes to run an export in TensorFlow Serving.

python -m serving.configure --export trained --output service
"""

from beam_pipelines.commands import entry, flags, job_folder
from beam_pipelines.files import storage
from serving.configuring import files, service
from serving.configuring.settings import MODULE, ConfigureSettings

AFTER_INTERRUPTION = "with --overwrite, the same command begins anew"


def run(settings: ConfigureSettings) -> service.Service:
    """Writes the files, each whole or not at all; returns the service that they describe.

    Raises:
      UserError: There is no such export, or the folder holds something else.
    """
    described = service.find(settings)
    rendered = files.render(described)
    job_folder.claim(
        settings.output,
        job_folder.manifest(MODULE, settings, [*files.FILES]),
        overwrite=settings.overwrite,
        reads=[export.path for export in described.versions],
    )
    for name, text in rendered.items():
        storage.write_bytes(settings.output, name, text.encode())
    return described


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(ConfigureSettings, program, argv)
    flags.refuse_unknown(others, ConfigureSettings, program)
    described = run(settings)
    labels = ", ".join(f"version {version} as {label}" for label, version in described.labels.items())
    batching = "on" if described.batching else "off"
    print(f"{settings.output}: {labels}; batching {batching}; memory limit {described.memory_mib:,} MiB")
    print(f"how to start it: {storage.join(settings.output, 'README.md')}")
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)

"""Serves an export on this machine as TensorFlow Serving does, for laptops and tests.

python -m serving.local trained --port 8501 --grpc_port 8500
"""

import pathlib

from beam_pipelines.artifacts import exports
from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from serving.local_server.settings import MODULE, LocalSettings

AFTER_INTERRUPTION = "the same command serves again"


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(LocalSettings, program, argv)
    flags.refuse_unknown(others, LocalSettings, program)
    if not storage.is_local(settings.export):
        raise UserError(
            f"EXPORT {settings.export} is not on this machine; copy it, or let TensorFlow Serving read it there"
        )
    export = exports.find(settings.export, "EXPORT")
    version = pathlib.Path(export.path)
    is_version = version == pathlib.Path(storage.absolute(settings.export))
    if is_version and settings.versions:
        raise UserError(f"--versions {settings.versions} and {settings.export}, a version, exclude each other")
    from serving.local_server import server

    server.serve(settings, version.parent, only=export.version if is_version else None)
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)

"""Serves an export on this machine as TensorFlow Serving does, for laptops and tests.

python -m serving.local trained --port 8501 --grpc_port 8500
"""

import pathlib

from beam_pipelines.artifacts import exports
from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from serving.local_server.settings import LocalSettings

AFTER_INTERRUPTION = "the same command serves again"


def parser_for(program: str) -> flags.Parser:
    """Builds the command's parser."""
    parser = flags.parser_for(LocalSettings, program)
    flags.add_export(parser)
    return parser


def main(argv: list[str] | None = None, program: str = "python -m serving.local") -> int:
    parser = parser_for(program)
    given = vars(parser.parse_args(argv))
    folder = given.pop("export")
    try:
        settings = LocalSettings(**given)
    except ValueError as error:
        parser.error(str(error))
    if not storage.is_local(folder):
        raise UserError(f"EXPORT {folder} is not on this machine; copy it, or let TensorFlow Serving read it there")
    export = exports.find(folder, "EXPORT")
    version = pathlib.Path(export.path)
    is_version = version == pathlib.Path(storage.absolute(folder))
    from serving.local_server import server

    server.serve(settings, version.parent, only=export.version if is_version else None)
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)

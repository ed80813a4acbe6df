"""A scoring job that can begin: all that could be wrong with it before has been looked at."""

import dataclasses
from typing import Any

from beam_pipelines.archive import blocks, input_columns, look
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import job_folder
from beam_pipelines.errors import logger
from beam_pipelines.files import storage
from beam_pipelines.scoring import carried_columns, output_columns, shards
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.settings import MODULE, ScoreSettings
from beam_pipelines.scoring.summary import job_summary

OUTPUTS = [*shards.OUTPUTS, job_summary.SUMMARY, job_summary.REPORT]


@dataclasses.dataclass(frozen=True)
class Job:
    """What is scored, with which model, and where to.

    Attributes:
      settings: The flags.
      files: The archive.
      read_options: How it is read.
      carried: The columns that are carried along.
      export: The model.
      folder: The output.
    """

    settings: ScoreSettings
    files: list[InputFile]
    read_options: ReadOptions
    carried: tuple[CarriedColumn, ...]
    export: Export
    folder: str

    @classmethod
    def of(cls, settings: ScoreSettings) -> "Job":
        """Looks at the archive and at the model.

        Raises:
          UserError: Something in the settings or the archive is to be mended.
        """
        archive = look.look(settings)
        carried = _carried_columns(settings, archive.columns)
        read_options = _read_options(settings, carried, blocks.block_bytes(archive.files))
        input_columns.require(archive.columns, read_options.columns)
        return cls(
            settings=settings,
            files=archive.files,
            read_options=read_options,
            carried=carried_columns.check_types(carried, archive.columns),
            export=exports.find(settings.model),
            folder=storage.absolute(settings.output),
        )

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def manifest(self) -> dict[str, Any]:
        """What the output folder says of the job; one with an equal fingerprint writes equal shards."""
        fingerprint = {
            "model_version": self.export.version,
            "model_digest": self.export.info.digest,
            "settings": self.settings.outcome,
            "columns": list(self.read_options.columns),
            "block_bytes": self.read_options.block_bytes,
            "inputs": {
                file.label: {"place": file.index, "bytes": file.size_bytes, "modified": file.modified}
                for file in self.files
            },
        }
        return job_folder.manifest(MODULE, self.settings, OUTPUTS, fingerprint=fingerprint)

    def claim(self) -> None:
        """Takes the output folder, or goes on in it."""
        job_folder.claim(
            self.folder,
            self.manifest(),
            overwrite=self.settings.overwrite,
            resume=self.settings.resume,
            reads=[self.export.path, *(file.path for file in self.files)],
        )


def _carried_columns(settings: ScoreSettings, columns_by_file: dict[InputFile, Columns]) -> tuple[CarriedColumn, ...]:
    present = [name for file_columns in columns_by_file.values() for name in file_columns.names]
    if "" in present and carried_columns.wants_all(settings.keep_columns):
        logger.warning("a column without a name, as of row numbers, is left out of --keep_columns *")
    carried = carried_columns.parse_keep_columns(settings.keep_columns, present, settings.id_column)
    output_columns.check_names(
        carried,
        explain=settings.explain,
        more=() if settings.id_column else (output_columns.ROW_ID,),
        all_columns=carried_columns.wants_all(settings.keep_columns),
    )
    return carried


def _read_options(settings: ScoreSettings, carried: tuple[CarriedColumn, ...], block_bytes: int) -> ReadOptions:
    """Options that read what is scored, carried along and compared, the text first."""
    sources = tuple(column.source for column in carried)
    wanted = (settings.text_column, *sources, settings.score_column)
    as_text = (settings.text_column, settings.id_column, settings.score_column)
    return ReadOptions.of(
        settings,
        block_bytes=block_bytes,
        columns=tuple(dict.fromkeys(name for name in wanted if name)),
        all_columns=carried_columns.wants_all(settings.keep_columns),
        nullable=tuple(name for name in (settings.text_column, settings.score_column) if name),
        binary=tuple(source for source in sources if source not in as_text),
    )

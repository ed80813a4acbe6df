"""A preprocess job that can begin: all that could be wrong with it before has been looked at."""

import dataclasses

from beam_pipelines.archive import blocks, input_columns, look, rejects
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import job_folder
from beam_pipelines.files import storage
from beam_pipelines.preparing.embeddings import word_vectors
from beam_pipelines.preparing.reviews import RatingRules
from beam_pipelines.preparing.settings import MODULE, PreprocessSettings
from beam_pipelines.preparing.splits import SplitShares

# What the job may write, as patterns; with --overwrite it deletes these files and no others.
OUTPUTS = [
    *(prepared.example_shard(split, "*") for split in prepared.SPLITS),
    f"{prepared.TRANSFORM}/*",
    rejects.REJECTED.format(block="*"),
    prepared.VECTORS,
    prepared.STATISTICS,
]


@dataclasses.dataclass(frozen=True)
class Job:
    """What is read, how, and where the prepared folder shall be.

    Attributes:
      settings: The flags.
      files: The archive.
      read_options: How it is read.
      rules: Where a row holds its text and its score.
      shares: How the reviews are divided.
      folder: The output.
    """

    settings: PreprocessSettings
    files: list[InputFile]
    read_options: ReadOptions
    rules: RatingRules
    shares: SplitShares
    folder: str

    @classmethod
    def of(cls, settings: PreprocessSettings) -> "Job":
        """Looks at the archive and the vectors.

        Raises:
          UserError: Something in the settings or the archive is to be mended.
        """
        archive = look.look(settings)
        input_columns.require(archive.columns, settings.columns)
        if settings.embeddings:
            word_vectors.check(settings.embeddings)
        shares = SplitShares(
            test=settings.test_share, validation=settings.validation_share, sample=settings.sample_share
        )
        return cls(
            settings=settings,
            files=archive.files,
            read_options=ReadOptions.of(
                settings,
                columns=settings.columns,
                block_bytes=blocks.block_bytes(archive.files),
                nullable=tuple(name for name in (settings.text_column, settings.score_column) if name),
            ),
            rules=rating_rules(settings),
            shares=shares,
            folder=storage.absolute(settings.output),
        )

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def temporary(self) -> str:
        """The folder of what the first reading leaves for the rest of the job."""
        return storage.temporary_folder(self.folder)

    def claim(self) -> None:
        """Takes the output folder."""
        manifest = job_folder.manifest(MODULE, self.settings, OUTPUTS)
        reads = [file.path for file in self.files]
        job_folder.claim(self.folder, manifest, overwrite=self.settings.overwrite, reads=reads)


def rating_rules(settings: PreprocessSettings) -> RatingRules:
    """The flags that say where a row holds its text and its score."""
    return RatingRules(
        text_column=settings.text_column,
        scale=Scale(settings.score_min, settings.score_max),
        score_column=settings.score_column,
        title_column=settings.title_column,
        score_pattern=settings.score_pattern,
        title_groups=settings.title_groups,
        id_column=settings.id_column,
        split_column=settings.split_column,
        unrated_values=settings.unrated,
    )

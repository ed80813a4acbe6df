"""Which columns of its archive a scoring job reads, and which of them it carries along."""

from beam_pipelines.archive.extents import Sizes
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.errors import logger
from beam_pipelines.scoring import carried_columns, output_columns
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.settings import ScoreSettings


def carried(settings: ScoreSettings, present: list[str]) -> tuple[CarriedColumn, ...]:
    """The columns that are carried along, of those that are present.

    Raises:
      UserError: One of them cannot be.
    """
    if "" in present and carried_columns.wants_all(settings.keep_columns):
        logger.warning("a column without a name, as of row numbers, is left out of --keep_columns *")
    columns = carried_columns.parse_keep_columns(settings.keep_columns, present, settings.id_column)
    output_columns.check_names(
        columns,
        explain=settings.explain,
        more=() if settings.id_column else (output_columns.ROW_ID,),
        all_columns=carried_columns.wants_all(settings.keep_columns),
    )
    return columns


def read_options(settings: ScoreSettings, carried: tuple[CarriedColumn, ...], sizes: Sizes) -> ReadOptions:
    """Options that read what is scored, carried along and compared, the text first."""
    sources = tuple(column.source for column in carried)
    wanted = (settings.text_column, *sources, settings.score_column)
    as_text = (settings.text_column, settings.id_column, settings.score_column)
    return ReadOptions.of(
        settings,
        sizes=sizes,
        columns=tuple(dict.fromkeys(name for name in wanted if name)),
        all_columns=carried_columns.wants_all(settings.keep_columns),
        nullable=tuple(name for name in (settings.text_column, settings.score_column) if name),
        binary=tuple(source for source in sources if source not in as_text),
        optional=tuple(column.source for column in carried if column.is_optional and column.source not in as_text),
        types=tuple((column.source, column.stored_type) for column in carried if column.stored_type),
    )

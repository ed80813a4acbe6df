"""The columns of the scores: those that are carried along, then the results with their units."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.carried_columns import CarriedColumn

ROW_ID = "id"
UNIT, COUNT, SHARE = "score", "tokens", "share in [0, 1]"
# Column -> what the field's metadata say of it, and its unit; that of a score is the archive's range.
RESULT_COLUMNS = {
    "score": ("the score", UNIT),
    "score_low": ("the least score of the interval", UNIT),
    "score_high": ("the greatest score of the interval", UNIT),
    "tokens": ("tokens of the text, before it was cut", COUNT),
    "known_share": ("share of the tokens with a vector", SHARE),
    "truncated": ("whether the text was cut after the model's max_tokens", ""),
    "explained_score": ("what the reasons explain: see the README", UNIT),
    "explained_rest": ("explained_score less the points of the reasons", UNIT),
    "reasons": ("the phrases that moved the score most; points are in the unit of the score", ""),
    "model_version": ("version of the exported model", ""),
}
EXPLANATION = {
    "explained_score": pa.float32(),
    "explained_rest": pa.float32(),
    "reasons": pa.list_(pa.struct([("phrase", pa.string()), ("points", pa.float64())])),
}


def check_names(
    carried: tuple[CarriedColumn, ...], *, explain: bool, more: tuple[str, ...] = (), all_columns: bool = False
) -> None:
    """Refuses carried columns that have the name of a result, of one of `more`, or of another carried column.

    Names that differ only in case are one to DuckDB and Spark, which would then read the wrong column.

    Args:
      carried: The columns that are carried along.
      explain: Whether there are reasons among the results.
      more: Other names that are taken.
      all_columns: Whether all columns are to be carried along.

    Raises:
      UserError: Names the columns, and how to give them others.
    """
    taken = {*more, *RESULT_COLUMNS} if explain else {*more, *RESULT_COLUMNS} - EXPLANATION.keys()
    seen = {name.casefold() for name in taken}
    clashes = []
    for column in carried:
        if column.name.casefold() in seen:
            clashes.append(column)
        seen.add(column.name.casefold())
    if clashes:
        items = ["*"] * all_columns + [f"input_{column.name}={column.source}" for column in clashes]
        way = f"give another name, as in --keep_columns '{','.join(items)}'"
        if ROW_ID in [column.name for column in clashes]:
            way = f"name rows by it with --id_column {ROW_ID}, or {way}"
        names = ", ".join(repr(column.name) for column in clashes)
        in_case = " but for upper and lower case" if not taken.issuperset(column.name for column in clashes) else ""
        raise UserError(f"other columns of the scores have the names of these{in_case}: {names}; {way}")


def score_table(carried: dict[str, pa.Array], results: Mapping[str, Any], version: int, scale: Scale) -> pa.Table:
    """Joins the carried columns of some rows, then the results.

    Args:
      carried: By name, the columns that are carried along.
      results: By name, an array or list of [rows] each.
      version: Of the model.
      scale: Of the scores.
    """
    columns = dict(carried)
    for name in RESULT_COLUMNS:
        if name in results:
            columns[name] = pa.array(results[name], EXPLANATION.get(name))
    columns["model_version"] = pa.array(np.full(len(results["score"]), version, np.int64))
    score_range = f"{scale.low:g} to {scale.high:g}"
    fields = []
    for name, values in columns.items():
        description, unit = RESULT_COLUMNS.get(name, ("", ""))
        metadata = {"description": description, "unit": score_range if unit == UNIT else unit} if description else None
        fields.append(pa.field(name, values.type, metadata=metadata))
    return pa.table(list(columns.values()), schema=pa.schema(fields))

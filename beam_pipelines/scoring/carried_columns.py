"""The input columns that a job carries along: which, under which names and with which types."""

import dataclasses
import json
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.errors import UserError

ALL = "*"
TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "date32": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


@dataclasses.dataclass(frozen=True)
class Kept:
    """A column that is carried along.

    Attributes:
      name: Its name in the output.
      source: Its name in the input.
      type: Of `TYPES`, or None to leave it as it is.
    """

    name: str
    source: str
    type: str | None = None


def choose(keep_columns: str, present: Iterable[str], id_column: str | None = None) -> tuple[Kept, ...]:
    """Reads `--keep_columns`; the id comes first.

    Args:
      keep_columns: Items separated by commas: `*`, or NAME, NAME:TYPE, NEW=NAME.
      present: The columns that there are.
      id_column: The column that names a row.

    Raises:
      UserError: Two columns would have one name.
    """
    present = list(dict.fromkeys(present))
    items = [item.strip() for item in keep_columns.split(",") if item.strip()]
    chosen = [_item(item, present) for item in items if item != ALL]
    if ALL in items:
        named = {one.source for one in chosen}
        chosen += [Kept(name, name) for name in present if name not in named]
    if id_column and id_column not in [one.name for one in chosen]:
        chosen.insert(0, Kept(id_column, id_column))
    # The id comes first, and what is named twice comes once.
    chosen = list(dict.fromkeys(sorted(chosen, key=lambda one: one.name != id_column)))
    names = [one.name for one in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"--keep_columns would give two columns the name {name!r}")
    return tuple(chosen)


def takes_all(keep_columns: str) -> bool:
    """Whether `*` is among the items."""
    return ALL in [item.strip() for item in keep_columns.split(",")]


def _item(item: str, present: list[str]) -> Kept:
    if item in present:
        return Kept(item, item)
    name, _, source = item.rpartition("=")
    name, before = _without_type(name.strip(), present)
    source, after = _without_type(source.strip(), present)
    return Kept(name or source, source, after or before)


def _without_type(name: str, present: list[str]) -> tuple[str, str | None]:
    """Takes the type off NAME:TYPE.

    Raises:
      UserError: It is no type.
    """
    rest, colon, kind = name.rpartition(":")
    if not colon or name in present:
        return name, None
    if kind.strip() not in TYPES:
        raise UserError(f"--keep_columns {name}: {kind!r} is no type; the types are {', '.join(TYPES)}")
    return rest.strip(), kind.strip()


def check_types(kept: tuple[Kept, ...], found: dict[InputFile, Columns]) -> None:
    """Refuses a column that has different types in two files, since all shards have one schema.

    Raises:
      UserError: Names the column and the files.
    """
    for one in kept:
        kinds = {file: _type(columns.types.get(one.source)) for file, columns in found.items() if one.source in columns}
        first = next(iter(kinds), None)
        for file, kind in kinds.items():
            if kind != kinds[first] and one.type is None:
                raise UserError(
                    f"the column {one.source!r} is {kinds[first]} in {first.label} and {kind} in {file.label}; give it "
                    f"one type, as in --keep_columns {one.source}:string"
                )


def _type(kind: pa.DataType | None) -> pa.DataType:
    """The type that the readers make of a Parquet type, or of a column of a text format."""
    if kind is None:
        return pa.string()
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if str(kind) in ("binary", "large_binary", "binary_view"):
        return pa.binary()
    return pa.string() if str(kind) in ("string", "large_string", "string_view") else kind


def columns(rows: pa.RecordBatch, kept: tuple[Kept, ...]) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """The kept columns of some rows, and the reason for each row with a value that has not the type."""
    found, reasons = {}, {}
    for one in kept:
        values = rows.column(one.source)
        if one.type:
            values, bad = _typed(values, one.type)
            reasons |= dict.fromkeys(bad, f"not_{one.type}")
        found[one.name] = values
    return found, reasons


def _typed(values: pa.Array, kind: str) -> tuple[pa.Array, list[int]]:
    """Casts values, and tells the places of those that cannot be."""
    if pa.types.is_nested(values.type):
        values = pa.array([value if value is None else json.dumps(value, default=str) for value in values.to_pylist()])
    if kind != "string" and pa.types.is_string(values.type):
        values = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.equal(values, ""), None, values)
    try:
        return values.cast(TYPES[kind]), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    bad, cast = [], []
    for place in range(len(values)):
        try:
            cast.append(values[place : place + 1].cast(TYPES[kind]))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            bad.append(place)
            cast.append(pa.nulls(1, TYPES[kind]))
    return pa.concat_arrays(cast), bad

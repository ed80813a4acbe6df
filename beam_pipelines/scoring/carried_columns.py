"""The input columns that a job carries along: which, under which names and with which types."""

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile
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
class CarriedColumn:
    """A column that is carried along.

    Attributes:
      name: Its name in the output.
      source: Its name in the input.
      type: Of `TYPES`, or None to leave it as it is.
      stored_type: Its type in the files, which a file of nothing but nulls does not tell; None until it is known.
      is_optional: Whether it is null in a file that lacks it, as one that nobody has named.
    """

    name: str
    source: str
    type: str | None = None
    stored_type: pa.DataType | None = None
    is_optional: bool = False


def parse_keep_columns(
    keep_columns: str, present: Iterable[str], id_column: str | None = None
) -> tuple[CarriedColumn, ...]:
    """Reads `--keep_columns`; the id comes first.

    Args:
      keep_columns: Items separated by commas: `*`, or NAME, NAME:TYPE, NEW=NAME.
      present: The columns that there are.
      id_column: The column that names a row.

    Raises:
      UserError: Two columns would have one name.
    """
    # A reader knows no column without a name; whoever carries all along is told.
    present = list(dict.fromkeys(name for name in present if name))
    items = [item.strip() for item in keep_columns.split(",") if item.strip()]
    chosen = [_item(item, present) for item in items if item != ALL]
    if ALL in items:
        named = {column.source for column in chosen}
        chosen += [CarriedColumn(name, name, is_optional=True) for name in present if name not in named]
    # The id is not optional, however it is named.
    chosen = [
        dataclasses.replace(column, is_optional=column.is_optional and column.source != id_column) for column in chosen
    ]
    if id_column and id_column not in [column.name for column in chosen]:
        chosen.insert(0, CarriedColumn(id_column, id_column))
    # The id comes first, and what is named twice comes once.
    chosen = list(dict.fromkeys(sorted(chosen, key=lambda column: column.name != id_column)))
    names = [column.name for column in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"--keep_columns would give two columns the name {name!r}")
    return tuple(chosen)


def wants_all(keep_columns: str) -> bool:
    """Whether `*` is among the items."""
    return ALL in [item.strip() for item in keep_columns.split(",")]


def _item(item: str, present: list[str]) -> CarriedColumn:
    if item in present:
        return CarriedColumn(item, item)
    name, _, source = item.rpartition("=")
    name, before = _without_type(name.strip(), present)
    source, after = _without_type(source.strip(), present)
    if not source:
        raise UserError(f"--keep_columns {item} names no column; one without a name cannot be kept")
    return CarriedColumn(name or source, source, after or before)


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


def check_types(
    carried: tuple[CarriedColumn, ...], columns_by_file: dict[InputFile, Columns], known: Mapping[str, pa.DataType]
) -> tuple[CarriedColumn, ...]:
    """Gives a column that is all null in one file the type of the others; all shards have one schema.

    Args:
      carried: The columns.
      columns_by_file: Of the files that were looked at.
      known: By source, the types that shards have already.

    Raises:
      UserError: A column has different types in two files; names it and them.
    """
    return tuple(
        dataclasses.replace(column, stored_type=_one_type(column, columns_by_file, known.get(column.source)))
        for column in carried
    )


def _one_type(
    column: CarriedColumn, columns_by_file: dict[InputFile, Columns], known: pa.DataType | None
) -> pa.DataType:
    types = {
        file.label: kind
        for file, columns in columns_by_file.items()
        if column.source in columns and not pa.types.is_null(kind := _type(columns.type_of(column.source)))
    }
    if known:
        types = {"the shards before": known} | types
    first = next(iter(types), None)
    if column.type or first is None:
        return pa.string()
    for label, kind in types.items():
        if kind != types[first]:
            raise UserError(
                f"the column {column.source!r} is {types[first]} in {first} and {kind} in {label}; give it one type, "
                f"as in --keep_columns {column.source}:string"
            )
    return types[first]


def write_types(carried: tuple[CarriedColumn, ...]) -> str:
    """The types of columns as text, which `read_types` reads; nested ones too."""
    fields = {column.source: column.stored_type or pa.string() for column in carried}
    return base64.b64encode(pa.schema(fields).serialize()).decode()


def read_types(written: str) -> dict[str, pa.DataType]:
    """By source, the types that `write_types` has written."""
    schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(written)))
    return dict(zip(schema.names, schema.types, strict=True))


def _type(kind: pa.DataType | None) -> pa.DataType:
    """The type that the readers make of a Parquet type, or of a column of a text format."""
    if kind is None:
        return pa.string()
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if str(kind) in ("binary", "large_binary", "binary_view"):
        return pa.binary()
    return pa.string() if str(kind) in ("string", "large_string", "string_view") else kind


def take_carried(
    rows: pa.RecordBatch, carried: tuple[CarriedColumn, ...]
) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """Takes the carried columns of some rows, and the reason for each row with a value that has not the type."""
    columns: dict[str, pa.Array] = {}
    reasons: dict[int, str] = {}
    for column in carried:
        values, kind = rows.column(column.source), column.type or str(column.stored_type)
        wanted = TYPES[column.type] if column.type else column.stored_type
        # A file that nobody looked at before may hold another type than those that decided.
        if wanted and values.type != wanted:
            values, bad = _typed(values, wanted)
            reasons |= dict.fromkeys(bad, f"not_{kind}")
        columns[column.name] = values
    return columns, reasons


def _typed(values: pa.Array, kind: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Casts values; returns them, and the rows of those that cannot be cast."""
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), kind), []
    if pa.types.is_nested(values.type) and pa.types.is_string(kind):
        values = pa.array([value if value is None else json.dumps(value, default=str) for value in values.to_pylist()])
    if pa.types.is_string(values.type):
        values = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.equal(values, ""), None, values)
    try:
        return values.cast(kind), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    # Some value is none of the type: one by one, so that it costs its own row alone.
    bad, cast = [], []
    for row in range(len(values)):
        try:
            cast.append(values[row : row + 1].cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            bad.append(row)
            cast.append(pa.nulls(1, kind))
    return pa.concat_arrays(cast), bad

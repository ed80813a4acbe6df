"""The columns of a file."""

import dataclasses
import re

import pyarrow as pa


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a file.

    Attributes:
      names: Its columns; of JSON lines, the keys of its first 1,000 rows.
      nested: The fields within them, such as `review.body`.
      types: Of Parquet, the type of each name, nested ones too.
      objects: Of one JSON object that holds others, the jq that lists them, and their names.
      below: Of CSV and TSV, the fields of the next lines, with their lines.
      header_line: Of CSV and TSV, the line on which the header begins, from 1.
      delimiter: Of CSV and TSV, what the file itself says stands between fields.
    """

    names: tuple[str, ...]
    nested: tuple[str, ...] = ()
    types: dict[str, pa.DataType] = dataclasses.field(default_factory=dict)
    objects: tuple[str, tuple[str, ...]] | None = None
    below: dict[str, int] = dataclasses.field(default_factory=dict)
    header_line: int = 1
    delimiter: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.nested or self.type_of(name) == pa.null()

    def type_of(self, name: str) -> pa.DataType | None:
        """Of Parquet, the type of a column or field; it is null where one that it may stand in is all null."""
        outer = [name[: dot.start()] for dot in re.finditer(r"\.", name)]
        is_in_null = any(self.types.get(column) == pa.null() for column in outer)
        return pa.null() if is_in_null else self.types.get(name)

"""Dataclasses whose fields are the keys of a JSON file, in their order."""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable
from typing import Any, ClassVar, Self


@dataclasses.dataclass(frozen=True)
class TypedJson:
    """The base of what is written as JSON by one command and read by another.

    Keys are a contract: a field is renamed for no reason but a new format. A key that a reader does not know, as a
    newer version may write, is passed over; a field that a file lacks has its default.
    """

    # Of fields whose key is not their name.
    KEYS: ClassVar[dict[str, str]] = {}
    # Fields that are not written where they are None.
    OMITTED_IF_NONE: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        values = {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}
        written = {
            name: value for name, value in values.items() if value is not None or name not in self.OMITTED_IF_NONE
        }
        return {self.KEYS.get(name, name): value for name, value in written.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Reads what `to_json` returns.

        Raises:
          TypeError: A field without a default is missing.
        """
        fields = {}
        for name, read in _readers(typing.cast(Any, cls)).items():
            key = cls.KEYS.get(name, name)
            if key in values:
                fields[name] = read(values[key])
        return cls(**fields)


def _plain(value: Any) -> Any:
    if isinstance(value, TypedJson):
        return value.to_json()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@functools.cache
def _readers(cls: Any) -> dict[str, Callable[[Any], Any]]:
    hints = typing.get_type_hints(cls)
    return {field.name: _reader(hints[field.name]) or _as_it_is for field in dataclasses.fields(cls)}


def _as_it_is(value: Any) -> Any:
    return value


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    """What makes a field's value of JSON; None where it is the value itself, so that long lists are not copied."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, TypedJson):
        return hint.from_json
    if origin is list and (item_reader := _reader(arguments[0])):
        return functools.partial(_read_list, item_reader)
    if origin is dict and (item_reader := _reader(arguments[1])):
        return functools.partial(_read_dict, item_reader)
    if isinstance(hint, types.UnionType) and (item_reader := _reader(arguments[0])):
        return functools.partial(_read_optional, item_reader)
    return None


def _read_list(read: Callable[[Any], Any], items: list) -> list:
    return [read(item) for item in items]


def _read_dict(read: Callable[[Any], Any], items: dict[str, Any]) -> dict[str, Any]:
    return {name: read(item) for name, item in items.items()}


def _read_optional(read: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else read(value)

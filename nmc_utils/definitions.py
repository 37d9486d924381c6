"""Reading definition files, which people write: every mistake is one sentence they can act on.

A sentence names file, line, key, what stands there and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Location = tuple[str | int, ...]


class DefinitionError(ValueError):
    """A definition file is wrong; the message names file, line, key and what is allowed."""


class Definition(BaseModel):
    """What a definition file or a part of it may hold; nothing else, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_D = TypeVar("_D", bound=Definition)


def read_definition(path: Path, model: type[_D]) -> _D:
    """Read a YAML file as `model`; DefinitionError tells all its mistakes, one a line."""
    try:
        content, node = _parsed(path, path.stat().st_mtime_ns)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", строка {mark.line + 1} или выше" if mark else ""
        raise DefinitionError(
            f"{path}{where}: это не YAML; проверьте отступы, скобки и кавычки"
        ) from error
    if not isinstance(content, dict):
        raise DefinitionError(f"{path}: файл пуст или не состоит из пар «ключ: значение»")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise DefinitionError("\n".join(_sentences(path, node, error))) from None


def refusal(path: Path, location: Location, reason: str) -> DefinitionError:
    """Return the error that a YAML file is wrong at `location`, a path of keys and positions."""
    _, node = _parsed(path, path.stat().st_mtime_ns)
    return DefinitionError(_sentence(path, node, location, reason))


def misplaced(location: Location, reason: str) -> PydanticCustomError:
    """Return what a validator raises when it knows the place, within its value, of a mistake."""
    return PydanticCustomError("misplaced", "{reason}", {"reason": reason, "location": location})


def unique(entries: Sequence[Definition], key: str) -> None:
    """Refuse two entries with the same `key`; for use in a validator of the list."""
    seen = set()
    for place, entry in enumerate(entries):
        value = getattr(entry, key)
        if value in seen:
            raise misplaced((place, key), f"«{value}» повторяется; у каждой записи он свой")
        seen.add(value)


@lru_cache(maxsize=64)
def _parsed(path: Path, modified_ns: int) -> tuple[Any, yaml.Node | None]:
    text = path.read_text("utf-8")
    loader = yaml.CSafeLoader(text)
    node = loader.get_single_node()
    if again := next(_repeated_keys(node), None):
        raise DefinitionError(
            f"{path}, строка {again.start_mark.line + 1}, ключ {again.value}: указан дважды, "
            "оставьте один"
        )
    if wrong := next(_impossible_dates(node), None):
        raise DefinitionError(
            f"{path}, строка {wrong.start_mark.line + 1}: «{wrong.value}» — такого дня нет; "
            f"допустимо: {_TYPES['date']}"
        )
    return None if node is None else loader.construct_document(node), node


def _impossible_dates(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Values that YAML takes for a date, and which no calendar has: PyYAML fails on them."""
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from (wrong for part in pair for wrong in _impossible_dates(part))
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _impossible_dates(part)
    elif node is not None and node.tag == "tag:yaml.org,2002:timestamp":
        try:
            yaml.safe_load(node.value)
        except ValueError:
            yield node


def _repeated_keys(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Keys that stand a second time in one mapping: YAML silently takes the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)


# --- sentences ----------------------------------------------------------------------------------


def _sentences(path: Path, node: yaml.Node | None, error: ValidationError) -> Iterator[str]:
    """One sentence per key; what pydantic says of each branch of a union belongs together."""
    by_key: dict[Location, list[dict[str, Any]]] = {}
    for location, problem in problems(error):
        there, _ = _found(node, location)
        key = (*there, location[-1]) if problem["type"] == "missing" else there
        by_key.setdefault(key, []).append(problem)
    for key, same in by_key.items():
        yield _sentence(path, node, key, reason(same))


def _sentence(path: Path, node: yaml.Node | None, location: Location, why: str) -> str:
    if not location:
        return f"{path}: {why}"
    _, line = _found(node, location)
    return f"{path}, строка {line}, ключ {'.'.join(map(str, location))}: {why}"


def _found(node: yaml.Node | None, location: Location) -> tuple[Location, int]:
    """The part of `location` that the file has, and its line."""
    line = 1
    for depth, part in enumerate(location):
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if pair is None:
                return location[:depth], line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return location[:depth], line
    return location, line


def problems(error: ValidationError) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Each problem with its place.

    Of a list with a wrong element pydantic also says that it is too short: that is no mistake of
    its own.
    """
    given = [
        (tuple(problem["loc"]) + problem.get("ctx", {}).get("location", ()), problem)
        for problem in error.errors(include_url=False)
    ]
    for location, problem in given:
        inner = [other for other, _ in given if len(other) > len(location)]
        if not any(other[: len(location)] == location for other in inner):
            yield location, problem


def reason(same: Sequence[dict[str, Any]]) -> str:
    """Tell what is wrong with one value; `same` are all the problems that pydantic has with it."""
    allowed = dict.fromkeys(_allowed(problem) for problem in same)
    if None not in allowed:
        return f"{_given(same[0]['input'])} не подходит; допустимо: {' или '.join(allowed)}"
    return "; ".join(dict.fromkeys(_reason(problem) for problem in same))


def _reason(problem: dict[str, Any]) -> str:
    context = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return "обязателен, но не указан"
        case "extra_forbidden" | "invalid_key":
            return "такого ключа нет"
        case "too_short":
            return (
                f"записей {context['actual_length']}; допустимо: не меньше {context['min_length']}"
            )
        case "too_long":
            return f"записей больше {context['max_length']}; допустимо: не больше"
        case "string_too_short":
            return "не может быть пустым"
        case "value_error":
            return str(context["error"])
        case "misplaced":
            return context["reason"]
        case _:
            return f"{_given(problem['input'])} не подходит"


_TYPES = {
    "string": "текст в кавычках",
    "float": "число",
    "finite": "число",
    "int": "целое число",
    "bool": "true, false",
    "date": "дата вида 2023-12-31",
    "tuple": "список",
    "dict": "пары «ключ: значение»",
    "model": "пары «ключ: значение»",
}


def _allowed(problem: dict[str, Any]) -> str | None:
    """What could stand in place of a value that is refused as it is."""
    kind, context = problem["type"], problem.get("ctx", {})
    match kind:
        case "literal_error":
            return context["expected"].replace(" or ", ", ").replace("'", "")
        case "string_pattern_mismatch":
            return "строчные латинские буквы, цифры и _, первой — буква"
        case "greater_than":
            return f"больше {context['gt']:g}"
        case "greater_than_equal":
            return f"не меньше {context['ge']:g}"
        case "less_than":
            return f"меньше {context['lt']:g}"
    if kind in ("string_too_short", "too_short", "too_long"):
        return None
    return _TYPES.get(kind.partition("_")[0])


def _given(value: Any) -> str:
    if value is None or value == "":
        return "пустое значение"
    if isinstance(value, dict):
        return "набор пар «ключ: значение»"
    if isinstance(value, list | tuple):
        return "список"
    return f"«{str(value).lower() if isinstance(value, bool) else value}»"

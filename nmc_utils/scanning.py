"""Search for names of people in everything that was made of their records.

Validated tables and results, down to the properties of a document; what was sent holds names and
is left alone. A finding tells the file and the place; of the name it
tells the first letter and the length.
"""

from __future__ import annotations

import ast
import base64
import binascii
import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nmc_utils.editions import edition, edition_keys
from nmc_utils.intake.columns import folded
from nmc_utils.intake.files import listed
from nmc_utils.intake.known import known_names, names_in
from nmc_utils.intake.names import Names
from nmc_utils.intake.redaction import Finder, is_escaped, legible, redactor, unescaped
from nmc_utils.results import ResultsError, home_of, results_folder
from nmc_utils.tables import SCHEMAS, TITLES

_CHECKOUT = Path(__file__).resolve().parents[1]
_WORD = re.compile(r"[^\W\d_]+")
_MADE = ("validated", "results", "documents")
_MOST = 100  #: findings in one file: more of them tell nothing new
_BETWEEN = "\n\x00\n"  #: stands between texts that do not belong together
_PNG = b"\x89PNG\r\n\x1a\n"
_ATTRIBUTE = re.compile(r'="([^"]*)"')
_BLOCK = re.compile(r"</(?:w:p|a:p|si|is|c)>")
_RUN = re.compile(r"<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)<")
_TAG = re.compile(r"<[^>]*>")

_LATIN = re.compile("[a-z]")
_NOT_PLAIN = r"[^\x00-\x7f]|\\u|\\x|&#|%[dD]"  #: a text that may hold Cyrillic letters
#: A text and how to name a place in it by an offset.
_Text = tuple[str, Callable[[int], str]]


@dataclass(frozen=True)
class Scan:
    """What a search has found.

    Attributes
    ----------
    findings
        `file` below the data root, `place` in it, `mask` of the name; at most 100 of one file.
    files
        Number of files that were searched.
    unread
        Files that could not be opened as what they claim to be, and editions whose names could
        not be collected.
    """

    findings: pd.DataFrame
    files: int
    unread: tuple[str, ...]


def scan(root: Path, run: str | None = None, asked: Iterable[str] = ()) -> Scan:
    """Search for the names known at intake and for those asked for.

    Parameters
    ----------
    root
        The data root.
    run
        Search this run and the validated tables of its editions; otherwise everything that was
        made.
    asked
        Further names («Фамилия Имя Отчество», in any order) or texts, which count wherever they
        stand.

    Raises
    ------
    FileNotFoundError
        There is no such run.
    """
    keys = edition_keys(root) if run is None else _editions_of(root, run)
    names, unread = _names_of(root, keys)
    wanted = [text for text in map(str.strip, asked) if text]
    finder = Finder(names, ordinary_words(root), names_in(wanted))
    search = _Search(finder, tuple(legible(text).casefold() for text in wanted))
    findings, n_files = [], 0
    for path in _files(root, run, keys):
        n_files += 1
        file = path.relative_to(root).as_posix()
        try:
            found = list(islice(dict.fromkeys(search.file(path, file)), _MOST))
        except _BROKEN:
            unread.append(search.masked(file))
            continue
        findings += [(search.masked(file), place, mask) for place, mask in found]
    frame = pd.DataFrame(findings, columns=["file", "place", "mask"], dtype="str")
    return Scan(frame, n_files, tuple(unread))


def redactor_at(root: Path, key: str) -> Callable[[str, bool], str]:
    """Return what hides the names of an edition, read again from what was sent for it.

    Raises
    ------
    ResultsError
        Some of the files that intake has read cannot be read here: their names would stay.
    """
    names, unread = _names_of(root, [key])
    if unread or not _is_all_there(root, key):
        raise ResultsError(
            f"{key}: присланное здесь не читается или уже не то, что принято, поэтому имена людей "
            "скрыть нечем. Проверьте право на чтение общей папки данных у рабочих процессов"
        )
    return redactor(Finder(names, ordinary_words(root)))


def _is_all_there(root: Path, key: str) -> bool:
    """Whether every file that intake has read can be read here as it was."""
    try:
        taken = json.loads((root / "validated" / key / "sources.json").read_text("utf-8"))["files"]
        sent = [path for path in listed(edition(*key.split("/"), root).sent) if path.is_file()]
        here = {hashlib.sha256(path.read_bytes()).hexdigest() for path in sent}
    except (OSError, ValueError, KeyError):
        return False
    return here >= set(taken.values())


# --- what to look for -----------------------------------------------------------------------------


def _names_of(root: Path, keys: Iterable[str]) -> tuple[Names, list[str]]:
    found, unread = [], []
    for key in _with_regions(root, keys):
        try:
            found.append(known_names(edition(*key.split("/"), root)))
        except (ValueError, OSError):
            unread.append(key)
    return Names.union(found), unread


def _with_regions(root: Path, keys: Iterable[str]) -> list[str]:
    """Editions themselves; for one of the whole country those of its regions."""
    every = edition_keys(root)
    return [
        one
        for key in keys
        for one in (every if key.startswith("_") else [key])
        if one == key or one.partition("/")[2] == key.partition("/")[2]
    ]


def ordinary_words(root: Path) -> frozenset[str]:
    """Return the folded words of the product: definitions, published facts, notebooks, the code."""
    texts = [title for schema in SCHEMAS.values() for title in _titles(schema)]
    texts += TITLES.values()
    for pattern in ("*/region.yaml", "*/published.csv", "*/system.yaml"):
        texts += [path.read_text("utf-8") for path in sorted((root / "regions").glob(pattern))]
    return _words_of_product() | _folded_words(texts)


def _titles(schema: Any) -> list[str]:
    return [column.title for column in schema.columns.values()]


@lru_cache(maxsize=1)
def _words_of_product() -> frozenset[str]:
    """Words of the notebooks and of texts in the code; not those from which people are invented."""
    texts = [
        text
        for path in sorted((_CHECKOUT / "notebooks").glob("*.ipynb"))
        for text, _ in _of_json(path.read_bytes())
    ]
    package = Path(__file__).parent
    for path in sorted([*package.rglob("*.py"), *(_CHECKOUT / "dashboards").rglob("*.py")]):
        if path.relative_to(_CHECKOUT).parts[1] != "demo":
            texts += _literals(path)
    return _folded_words(texts)


def _literals(path: Path) -> Iterator[str]:
    """Texts in a module; a docstring is no text of the product and may explain by example."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # a text that nothing uses
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def _folded_words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(folded(word) for text in texts for word in _WORD.findall(text))


# --- where to look --------------------------------------------------------------------------------


def _editions_of(root: Path, run: str) -> list[str]:
    places = [results_folder(root) / run, home_of(root, run)]
    found = {f"{path.parent.name}/{path.name}" for place in places for path in place.glob("*/*")}
    if not found:
        raise FileNotFoundError(f"{results_folder(root)}: нет прогона {run}. Список: nmc runs")
    return sorted(found)


def _files(root: Path, run: str | None, keys: Collection[str]) -> Iterator[Path]:
    if run is None:
        places = [root / name for name in _MADE]
    else:
        results = results_folder(root)
        places = [results / run, home_of(root, run), results / "log.jsonl"]
        places += [root / "validated" / key for key in keys]
    for place in places:
        inside = [place, *sorted(place.rglob("*"))]
        yield from (path for path in inside if path.is_file())


# --- how to look ----------------------------------------------------------------------------------

_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RecursionError,
    NotImplementedError,
)


class _Search:
    """One search: what is looked for, and the places where it is found."""

    def __init__(self, finder: Finder, literals: tuple[str, ...]):
        self.finder = finder
        self.literals = literals
        known = finder.names.surnames | finder.names.given | finder.asked.surnames
        #: Whether a text without a Cyrillic letter may hold a name.
        self.is_latin = any(map(str.isascii, literals)) or any(map(_LATIN.search, known))

    def file(self, path: Path, name: str) -> Iterator[tuple[str, str]]:
        """Places and masks of what is found in a file and in its name."""
        for text, place in (*_of_name(name), *_texts(name, path.read_bytes(), self)):
            for start, name in self._found(text):
                yield place(start), _mask(name)

    def _found(self, text: str) -> Iterator[tuple[int, str]]:
        if text.isascii() and not (self.is_latin or is_escaped(text)):
            return
        plain = legible(text)
        decoded = legible(unescaped(plain))
        for reading in dict.fromkeys((plain, decoded)):
            for start, end in self.finder.find(reading, is_lone_enough=True):
                yield min(start, len(text) - 1), reading[start:end]
            small = reading.casefold() if self.literals else ""
            for literal in self.literals:
                if (start := small.find(literal)) >= 0:
                    yield min(start, len(text) - 1), reading[start : start + len(literal)]

    def masked(self, text: str) -> str:
        """Return a text that is shown, with a mask for every name in it."""
        for start, end in reversed(self.finder.find(legible(text), is_lone_enough=True)):
            text = text[:start] + _mask(text[start:end]) + text[end:]
        return text


def _mask(name: str) -> str:
    parts = _WORD.findall(name) or [name]
    return " ".join(f"{part[0]}…({len(part)})" for part in parts)


def _texts(name: str, content: bytes, search: _Search) -> Iterator[_Text]:
    """All texts of a file, by what it is and not by what it is called."""
    if content[:4] == b"PAR1":
        yield from _of_parquet(content, search)
    elif content[:4] == b"PK\3\4":
        yield from _of_archive(content, search)
    elif content.startswith(_PNG):
        yield from _of_png(content)
    elif name.endswith((".json", ".ipynb")):
        yield from _of_json(content)
    else:
        yield from _of_lines(_read_as_text(content))


def _of_name(name: str) -> Iterator[_Text]:
    yield name, lambda _: "имя файла или папки"


def _read_as_text(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="ignore")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        readings = (content.decode(code, errors="ignore") for code in ("utf-8", "cp1251"))
        return _BETWEEN.join(readings)


def _of_lines(text: str) -> Iterator[_Text]:
    yield text, lambda offset: f"строка {text.count(chr(10), 0, offset) + 1}"


# --- Parquet --------------------------------------------------------------------------------------


def _of_parquet(content: bytes, search: _Search) -> Iterator[_Text]:
    table = pq.read_table(io.BytesIO(content))
    yield _BETWEEN.join(table.column_names), lambda _: "имена столбцов"
    about = table.schema.metadata or {}
    about = [part.decode("utf-8", errors="ignore") for pair in about.items() for part in pair]
    yield _BETWEEN.join(about), lambda _: "метаданные"
    for number, column in enumerate(table.columns, start=1):
        for array in _text_arrays(column.combine_chunks()):
            yield _of_array(array, number, search)


def _text_arrays(array: pa.Array) -> Iterator[pa.Array]:
    """Arrays of text in a column, also inside of lists and structures."""
    kind = array.type
    if isinstance(array, pa.ChunkedArray):
        for chunk in array.chunks:
            yield from _text_arrays(chunk)
    elif pa.types.is_dictionary(kind):
        yield from _text_arrays(array.dictionary)
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _text_arrays(part)
    elif pa.types.is_map(kind):
        yield from _text_arrays(array.keys)
        yield from _text_arrays(array.items)
    elif pa.types.is_nested(kind):
        yield from _text_arrays(array.flatten())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield pa.array([value.decode("utf-8", "ignore") for value in array.to_pylist() if value])
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield array


def _of_array(array: pa.Array, number: int, search: _Search) -> _Text:
    values = pc.unique(array).drop_null()
    if not search.is_latin:
        values = values.filter(pc.match_substring_regex(values, _NOT_PLAIN))
    texts = values.to_pylist()

    def place(offset: int) -> str:
        end = 0
        for text in texts:
            end += len(text) + len(_BETWEEN)
            if offset < end:
                row = pc.index(array, pa.scalar(text, array.type)).as_py() + 1
                return f"столбец {number}, строка {row}"
        return f"столбец {number}"

    return _BETWEEN.join(texts), place


# --- documents and pictures -----------------------------------------------------------------------


def _of_archive(content: bytes, search: _Search) -> Iterator[_Text]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield _BETWEEN.join(archive.namelist()), lambda _: "имена частей"
        yield archive.comment.decode("utf-8", "ignore"), lambda _: "примечание архива"
        for part in archive.namelist():
            inner = archive.read(part)
            if part.endswith((".xml", ".rels", ".vml")):
                texts = _of_xml(_read_as_text(inner))
            else:
                texts = _texts(part, inner, search)
            where = search.masked(part)
            for text, place in texts:
                yield text, lambda offset, place=place, where=where: f"{where}: {place(offset)}"


def _of_xml(xml: str) -> Iterator[_Text]:
    """Runs of one paragraph or cell together; everything else; values of attributes."""
    blocks = ("".join(_RUN.findall(block)) for block in _BLOCK.split(xml))
    yield _BETWEEN.join(block for block in blocks if block), lambda _: "текст"
    yield _TAG.sub(_BETWEEN, xml), lambda _: "текст"
    yield _BETWEEN.join(_ATTRIBUTE.findall(xml)), lambda _: "свойства"


def _of_png(content: bytes) -> Iterator[_Text]:
    """Texts that a picture carries in its chunks."""
    at = len(_PNG)
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        data = content[at + 8 : at + 8 + size]
        at += 12 + size
        if kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf"):
            yield _read_as_text(_unpacked(kind, data)), lambda _: "текст картинки"


def _unpacked(kind: bytes, data: bytes) -> bytes:
    """A chunk with its text unpacked; a keyword and flags stand before it."""
    head, _, rest = data.partition(b"\0")
    if kind == b"zTXt":
        return head + b"\0" + zlib.decompress(rest[1:])
    if kind == b"iTXt" and rest[:1] == b"\1":
        language, _, after = rest[2:].partition(b"\0")
        translated, _, packed = after.partition(b"\0")
        return b"\0".join([head, language, translated, zlib.decompress(packed)])
    return data


# --- JSON and notebooks ---------------------------------------------------------------------------


def _of_json(content: bytes) -> Iterator[_Text]:
    try:
        parsed = json.loads(content)
    except ValueError:
        yield from _of_lines(_read_as_text(content))
        return
    if isinstance(parsed, dict) and isinstance(parsed.get("cells"), list):
        rest = {key: value for key, value in parsed.items() if key != "cells"}
        yield from _of_value(rest, "свойства тетради")
        for number, cell in enumerate(parsed["cells"], start=1):
            yield from _of_value(cell, f"ячейка {number}")
    else:
        yield from _of_value(parsed, "значение")


def _of_value(value: Any, place: str) -> Iterator[_Text]:
    """Every text in a value of JSON, its keys too; lines of one text stay together."""
    texts: list[str] = []
    for text in _strings(value):
        if text.startswith("iVBORw0KGgo"):
            try:
                yield from ((t, lambda _: place) for t, _ in _of_png(base64.b64decode(text)))
                continue
            except (binascii.Error, *_BROKEN):
                pass  # no picture after all: a text like any other
        texts.append(text)
    yield _BETWEEN.join(texts), lambda _: place


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        if value and all(isinstance(inner, str) for inner in value):
            yield "".join(value) if any("\n" in inner for inner in value) else _BETWEEN.join(value)
        else:
            for inner in value:
                yield from _strings(inner)

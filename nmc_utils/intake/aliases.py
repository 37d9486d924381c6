"""Confirmed changes of surname: a person under the new surname keeps the identity of the old one.

They stand in a protected file beside the key, ``<region>.aliases.csv``: UTF-8, «;» between the
fields, the header `HEADER`. Its names go no further than this module.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake.persons import PERSON_HEADERS, normalise
from nmc_utils.intake.protected import KeyFileError, key_path, refuse_inside, refuse_open
from nmc_utils.intake.pseudonyms import identities

FORMER = "Прежняя фамилия"
HEADER = (*PERSON_HEADERS, FORMER)
_SURNAME, _GIVEN, _, _BORN = PERSON_HEADERS
_WHAT = "файл смен фамилий"
_DAY = r"(\d{1,2})\.(\d{1,2})\.(\d{4})"


@dataclass(frozen=True)
class Aliases:
    """Identities under later surnames, and what they were made of.

    Attributes
    ----------
    first
        Identity under a later surname → identity under the first one.
    digest
        SHA-256 of the file; empty where there is none.
    """

    first: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def aliases_path(region_code: str) -> Path:
    """Where the confirmed changes of surname of a region are."""
    return key_path(region_code).with_name(f"{region_code}.aliases.csv")


def with_aliases(ids: pd.Series, aliases: Aliases) -> pd.Series:
    """Give people under a later surname the identity of the first one."""
    return ids.map(lambda code: aliases.first.get(code, code), na_action="ignore").astype("str")


def read_aliases(edition: Edition, key: bytes) -> Aliases:
    """Read the confirmed changes of surname of a region.

    There are none where the file is missing, for the invented people of a demonstration, and where
    people go by the region's own code, which a change of surname leaves as it is.

    Raises
    ------
    KeyFileError
        The file is not safe or wrong; the message names the line, not what stands in it.
    """
    path = aliases_path(edition.region.code)
    if edition.is_demonstration or edition.region.identity == "own_code" or not path.exists():
        return Aliases()
    refuse_inside(path, edition, _WHAT, "NMC_KEY")
    refuse_open(path, _WHAT)
    content = path.read_bytes()
    changes = _read(path, content)
    later = identities(changes, edition.region.code, key)
    former = changes.drop(columns=_SURNAME).rename(columns={FORMER: _SURNAME})
    former = identities(former, edition.region.code, key)
    lines = dict(zip(later, changes.index, strict=True))
    first = _resolved(path, dict(zip(later, former, strict=True)), lines)
    return Aliases(first, hashlib.sha256(content).hexdigest())


def _read(path: Path, content: bytes) -> pd.DataFrame:
    """The changes, by the number of their line; what is wrong is told without a name."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _wrong(path, line, "это не UTF-8", "Сохраните файл в кодировке UTF-8") from None
    rows = list(_rows(path, text))
    if not rows or tuple(rows[0][1]) != HEADER:
        raise _wrong(path, 1, "заголовки не те", f"Первая строка должна быть: {';'.join(HEADER)}")
    for line, row in rows[1:]:
        if len(row) != len(HEADER):
            remedy = f"Впишите в строку {len(HEADER)} полей через «;»"
            raise _wrong(path, line, f"полей {len(row)}, а нужно {len(HEADER)}", remedy)
    lines = [line for line, _ in rows[1:]]
    frame = pd.DataFrame([row for _, row in rows[1:]], lines, columns=list(HEADER), dtype="str")
    _check(path, frame)
    return frame.assign(**{_BORN: _days(frame[_BORN])})


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of every row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            raise _wrong(path, reader.line_num, "кавычки не закрыты", "Уберите кавычки") from None
        if row is None:
            return
        if any(map(str.strip, row)):
            yield reader.line_num, [cell.strip() for cell in row]


def _check(path: Path, frame: pd.DataFrame) -> None:
    """Refuse the first row that does not tell whose surname has changed."""
    plain = {name: normalise(frame[name]) for name in HEADER if name != _BORN}
    for name in (_SURNAME, _GIVEN, FORMER):
        if (empty := plain[name].eq("")).any():
            line = frame.index[empty][0]
            raise _wrong(path, line, f"не заполнен столбец «{name}»", "Впишите его")
    if (undated := _days(frame[_BORN]).isna()).any():
        remedy = "Впишите её в виде 21.11.1980"
        raise _wrong(path, frame.index[undated][0], "дата рождения не распознана", remedy)
    same = plain[_SURNAME].eq(plain[FORMER])
    if same.any():
        remedy = "Удалите строку или исправьте фамилию"
        raise _wrong(path, frame.index[same][0], "прежняя фамилия та же, что новая", remedy)
    person = pd.concat([*(plain[name] for name in PERSON_HEADERS[:3]), frame[_BORN]], axis=1)
    several = person.duplicated() & ~pd.concat([person, plain[FORMER]], axis=1).duplicated()
    if several.any():
        remedy = "Оставьте одну"
        meaning = "у этого человека уже указана другая прежняя фамилия"
        raise _wrong(path, frame.index[several][0], meaning, remedy)


def _days(text: pd.Series) -> pd.Series:
    iso = text.str.replace(_DAY, r"\3-\2-\1", regex=True)
    iso = iso.str.replace(r"-(\d)\b", r"-0\1", regex=True)
    return pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")


def _resolved(path: Path, former: dict[str, str], lines: dict[str, int]) -> dict[str, str]:
    """Follow every chain of changes to its first surname."""
    first = {}
    for code, earlier in former.items():
        seen = {code}
        while earlier in former:
            if earlier in seen:
                remedy = "Проверьте, какая фамилия прежняя"
                raise _wrong(path, lines[code], "смены фамилий идут по кругу", remedy)
            seen.add(earlier)
            earlier = former[earlier]
        first[code] = earlier
    return first


def _wrong(path: Path, line: int, meaning: str, remedy: str) -> KeyFileError:
    return KeyFileError(f"{path}, строка {line}: {meaning}. {remedy}.")

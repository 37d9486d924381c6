"""From the bytes of a text file to its text; what was garbled before is refused, not guessed."""

from __future__ import annotations

import codecs
import re
from collections import Counter

from nmc_utils.reading.refusal import SAVE_TEXT, SEND_AGAIN, RefusalError, damaged

UTF8, UTF16, CP1251 = "UTF-8", "UTF-16", "Windows-1251"
_WIDE = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: Signs that an honest Russian table is made of, besides those of the keyboard.
_USUAL = re.compile(
    "[А-Яа-яЁё№«»–—−…“”„’‘•·°§±×€₽ІіҢңӦӧҒғҮүҚқӘәҖҗÖö\u00a0\u00ad\u2000-\u200f\u2028\u2029\u202f"
    "\u2060\ufeff\u0300-\u036f]+"
)
#: How much a letter speaks for Russian; there is little of the others.
_WEIGHTS = dict.fromkeys("оеаинтсрвл", 1.0) | dict.fromkeys("кмдпуяыьгзб№«»–—", 0.6)
_LETTERS = re.compile(r"[^\W\d_a-zA-Z]")
_FEW_LETTERS = 8  # of so few it cannot be told whether they are Russian
_THREE_FOREIGN = re.compile(r"[^\x00-\x7f]{3}")
_REPLACED = "\ufffd"
#: How text gets garbled: written in the second encoding, read in the first.
_GARBLED = (
    ("cp1251", "utf-8"),
    ("latin-1", "cp1251"),
    ("cp1252", "cp1251"),
    ("latin-1", "utf-8"),
    ("cp1252", "utf-8"),
    ("cp866", "cp1251"),
    ("cp1251", "cp866"),
    ("cp866", "utf-8"),
    ("koi8-r", "cp1251"),
    ("cp1251", "koi8-r"),
    ("koi8-r", "utf-8"),
    ("latin-1", "koi8-r"),
    ("latin-1", "cp866"),
    ("cp437", "cp866"),
)
_SAMPLE_LINES = 300
_SURE = 0.15  # the right reading of honest text is better than any other by more than this


def decode(content: bytes) -> tuple[str, str]:
    """Return the text without a byte order mark, and the name of its encoding.

    Raises
    ------
    RefusalError
        The text is in another encoding, in several, or was garbled before it was sent.
    """
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise RefusalError("Текст записан в кодировке UTF-32, которой таблицы не пишут", SAVE_TEXT)
    wide = next((name for mark, name in _WIDE if content.startswith(mark)), None)
    if wide or (wide := _wide_without_mark(content)):
        try:
            return _checked(content.decode(wide).removeprefix("\ufeff")), UTF16
        except UnicodeDecodeError as error:
            raise damaged() from error
    if b"\0" in content:
        raise _with_nul(content[: content.index(b"\0")].decode("latin-1"))
    try:
        return _checked(content.decode("utf-8").removeprefix("\ufeff")), UTF8
    except UnicodeDecodeError as error:
        _refuse_mixed(content)
        if content.startswith(codecs.BOM_UTF8):
            raise damaged() from error
    return _from_cp1251(content), CP1251


def masked(line: str) -> str:
    """The beginning of a line, of whose words but two signs each are left."""
    words = re.sub(r"([^ ;,|\t]{2})([^ ;,|\t]+)", lambda m: m[1] + "•" * len(m[2]), line)
    return words[:40].strip()


def line_of(text: str, position: int) -> int:
    """Number of the line in which a position is."""
    before = text[:position]
    return len(re.findall("\r\n|\r|\n", before)) + 1


def _wide_without_mark(content: bytes) -> str | None:
    """The kind of UTF-16 that a text of these bytes has: every second one is often zero."""
    if len(content) < 4 or len(content) % 2 or b"\0" not in content:
        return None
    head = content[:4096]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) + zeros.count(4) > 0.9 * len(zeros) and zeros.count(0):
            return name
    return None


def _refuse_mixed(content: bytes) -> None:
    """Refuse lines in UTF-8 among lines that are not."""
    first: tuple[int, bool] | None = None
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), start=1):
        if line.isascii():
            continue
        is_utf8 = _is_utf8(line)
        if first is None:
            first = (number, is_utf8)
        elif first[1] != is_utf8:
            names = (UTF8, CP1251) if is_utf8 else (CP1251, UTF8)
            text = line.decode("utf-8" if is_utf8 else "cp1251", "replace")
            raise RefusalError(
                f"В файле смешаны кодировки: строка {number} в {names[0]}, выше — {names[1]}, "
                f"начало строки «{masked(text)}»",
                f"{SAVE_TEXT} Части файла из разных программ соедините в Excel.",
            )


def _is_utf8(line: bytes) -> bool:
    try:
        return len(re.findall("[А-яЁё]", line.decode("utf-8"))) > 1
    except UnicodeDecodeError:
        return False


def _from_cp1251(content: bytes) -> str:
    try:
        text = content.decode("cp1251")
    except UnicodeDecodeError as error:
        text = content.decode("cp1251", "replace")
        others = {name: content[:10_000].decode(name) for name in ("cp866", "koi8-r")}
        best = max(others, key=lambda name: _likeness(others[name]))
        is_sure = _likeness(others[best]) > _SURE
        at = re.search(r"[^\x00-\x7f]", text).start() if is_sure else error.start  # type: ignore[union-attr]
        number = line_of(text, at)
        line = re.split("\r\n|\r|\n", text)[number - 1]
        raise _wrong_encoding(line, number, best if is_sure else None) from error
    return _checked(text)


def _checked(text: str) -> str:
    """Return the text if it reads as one that people wrote.

    Raises
    ------
    RefusalError
        A line was garbled, or has a NUL sign.
    """
    if "\0" in text:
        raise _with_nul(text[: text.index("\0")])
    if _REPLACED in text:
        at = text.index(_REPLACED)
        number = line_of(text, at)
        raise RefusalError(
            f"В строке {number} вместо букв стоят знаки «{_REPLACED}»: буквы потеряны ещё до "
            "отправки",
            f"Выгрузите таблицу из исходной программы снова. {SAVE_TEXT}",
        )
    if text.isascii():
        return text
    lines = re.split("\r\n|\r|\n", text)
    foreign = [(n, line) for n, line in enumerate(lines, 1) if not line.isascii()]
    whole = "\n".join(line for _, line in foreign[:_SAMPLE_LINES])
    if len(_LETTERS.findall(whole)) >= _FEW_LETTERS and (name := _garbled_as(whole)):
        raise _wrong_encoding(foreign[0][1], foreign[0][0], name)
    for number, line in foreign:
        is_odd = _THREE_FOREIGN.search(line) and not _USUAL.sub("", line).isascii()
        if is_odd and (name := _garbled_as(line)):
            raise _wrong_encoding(line, number, name)
    return text


def _garbled_as(text: str) -> str | None:
    """The encoding in which the same bytes read much better than as they were read."""
    now = _likeness(text)
    for read, written in _GARBLED:
        try:
            other = text.encode(read).decode(written)
        except UnicodeError:
            continue
        if _likeness(other) > now + _SURE:
            return written
    return None


def _likeness(text: str) -> float:
    """How much a text is like Russian: 1 and less, negative when most signs are none of it."""
    signs = Counter(sign for sign in text if not sign.isascii())
    total = sum(signs.values())
    if not total:
        return 0.0
    score = 0.0
    for sign, n in signs.items():
        if not _USUAL.fullmatch(sign):
            score -= n
        score += n * _WEIGHTS.get(sign.lower(), 0.0)
    wrong_case = len(re.findall("[а-яё][А-ЯЁ]", text))
    return (score - wrong_case) / total


def _wrong_encoding(line: str, number: int, name: str | None) -> RefusalError:
    about = {"cp866": "CP866 (DOS)", "koi8-r": "KOI8-R", "cp1251": CP1251, "utf-8": UTF8}
    written = f": похоже, он был записан в кодировке {about[name]}" if name else ""
    return RefusalError(
        f"Текст не читается, начиная со строки {number} («{masked(line)}»){written}",
        f"{SAVE_TEXT} Если в самой таблице такие же знаки, выгрузите её из исходной программы "
        "снова.",
    )


def _with_nul(before: str) -> RefusalError:
    number = line_of(before, len(before))
    return RefusalError(f"В строке {number} есть нулевой байт: файл повреждён", SEND_AGAIN)

"""Names of people nobody has listed: a common given name beside a surname or a patronymic.

The list of given names is our own, in ``given_names.txt``. A given name alone is nobody's name, and
those that are words too («Вера», «Роман») count only beside what looks like a surname.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from nmc_utils.intake.persons import without_look_alikes
from nmc_utils.intake.synonyms import folded

#: Endings of the cases of a given name by what it ends in; of a consonant, nothing is cut off.
_CASES = {
    "ия": ("ия", "ии", "ию", "ией", "иею"),
    "я": ("я", "и", "е", "ю", "ей", "ею"),
    "а": ("а", "ы", "и", "е", "у", "ой", "ою", "ей", "ею"),
    "й": ("й", "я", "ю", "ем", "е", "и"),
    "ь": ("ь", "я", "ю", "ем", "е", "и", "ью"),
    "": ("", "а", "у", "ом", "е"),
}
#: Given names that are common words too.
_WORDS_TOO = str.split("Вера Надежда Любовь Роман Лев Льва Роза Лилия Слава Майя Марк Марта Семён")
_SURNAME = re.compile(
    r"..(?:(?:[ое]в|[иы]н)(?:а|ой|у|ым|ыми|ых|е|ы)?|[сц]к(?:ий|ая|ого|ой|ому|ую|им)|"
    r"(?:[её]нко|чук|юк|дзе|швили|янц?|[иы]х))$"
)
_ADJECTIVE = re.compile(r"[сц]к(?:ий|ая|ое|ие|ого|ой|ому|ую|им|их)$")
_PATRONYMIC = re.compile(
    r"(?:[ое]вич|ьич|ьмич|укич|омич|итич)(?:а|у|ем|е)?$|(?:[ое]вн|иничн|итичн)(?:а|ы|е|у|ой)$"
)
#: Words that stand beside a given name and are nobody's surname.
_OF_TITLES = re.compile(
    r"(?:автоном|академи|библиотек|бюджетн|вариант|гимнази|дерев|детск|директор|институт|колледж|"
    r"команд|конкурс|лице|магазин|муниципальн|начальн|област|образовательн|обществ|основн|отделени|"
    r"площадк|посел|приказ|приложени|программ|проект|протокол|район|республик|ректор|руководител|"
    r"средн|станци|студи|техникум|университет|училищ|учрежден|филиал)[а-я]{0,4}|"
    r"(?:блок|верси|город|групп|дом|класс|клуб|кра|курс|машин|министр|округ|орден|преми|раздел|сел|"
    r"тест|уровен|форм|фонд|центр|част|школ)(?:[аеиоуыьюяй]|ом|ой|ею)?|свят(?:ой|ая|ого|ые)"
)
_ABBREVIATION = re.compile(r"[А-ЯЁ]{0,5}(?:ОУ|СОШ|ООШ|НОШ|СУЗ|ВУЗ|ОО|АО|ИП|ДО|ДС|СПО|ЦНППМ)")
_HEAD = r"имени|им|памяти|в честь|ул|улиц[аеуы]|проспекта?|площад[ьи]|переул(?:ок|ка)"
_HONOUR = re.compile(rf"\b(?:{_HEAD})\b\.?\s*", re.IGNORECASE)
_RANK_WORD = re.compile(
    r"(?:[а-яё]{2,}|(?i:дважды|геро|советск|союз|росси|федерац|социалистич|труд|отечеств|"
    r"республик|кавалер|орден)[а-яё]*)\s+"
)
_INITIALS = re.compile(r"(?:[^\W\d_]\.\s*){1,2}")
_PROPER = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_NEXT = re.compile(r"\s+([А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)*)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_TOGETHER, _APART = re.compile(r"[\s_]+"), re.compile(r"\s*[,(/:]\s*")


def looks_like_surname(word: str) -> bool:
    """Whether `word` ends as Russian surnames do, in any case of the language."""
    return bool(_SURNAME.search(_plain(word)))


def is_patronymic(word: str) -> bool:
    """Whether `word` looks like a patronymic, in any case of the language."""
    return bool(_PATRONYMIC.search(_plain(word)))


def is_given(word: str) -> bool:
    """Whether `word` is a common given name in any case of the language."""
    plain = _plain(word)
    return plain in _forms() and (len(plain) > 2 or word[0].isupper())


def without_honoured(text: str) -> str:
    """Leave out whom a school or a street is named after: «имени Олега Кошевого»."""
    parts, start = [], 0
    for head in _HONOUR.finditer(text):
        if head.start() >= start:
            parts.append(text[start : head.start()])
            start = _end_of_honoured(text, head.end())
    return " ; ".join([*parts, text[start:]])


def _end_of_honoured(text: str, at: int) -> int:
    while rank := _RANK_WORD.match(text, at):
        at = rank.end()
    if initials := _INITIALS.match(text, at):
        at = initials.end()
    if not (first := _PROPER.match(text, at)):
        return at
    end = first.end()
    # After a given name comes the patronymic and the surname; after a surname, a given name.
    was_given = is_given(first[0])
    while more := _NEXT.match(text, end):
        if not (was_given or is_given(more[1])):
            break
        was_given = is_given(more[1]) or is_patronymic(more[1])
        end = more.end()
    return end


def names_by_given(text: str) -> bool:
    """Whether a common given name stands in `text` beside what may be the rest of a name."""
    words = list(_WORD.finditer(text))
    for place, (one, other) in enumerate(pairwise(words)):
        gap = text[one.end() : other.start()]
        is_together = bool(_TOGETHER.fullmatch(gap))
        if not is_together and not _APART.fullmatch(gap):
            continue
        after = words[place + 2][0] if place + 2 < len(words) else ""
        if is_given(one[0]) and _completes(other[0], one[0], is_together, after, is_before=False):
            return True
        if is_given(other[0]) and _completes(one[0], other[0], is_together, "", is_before=True):
            return True
    return False


def _completes(word: str, given: str, is_together: bool, after: str, *, is_before: bool) -> bool:
    """Whether `word` may be the surname or patronymic of `given`."""
    if is_patronymic(word):
        return True
    if is_given(word) and not looks_like_surname(word):
        return False  # «Анна, Мария», «Вера и Надежда»: given names alone
    plain = _plain(word)
    if _OF_TITLES.fullmatch(plain) or _ABBREVIATION.fullmatch(word):
        return False
    if _ADJECTIVE.search(plain) and _OF_TITLES.fullmatch(_plain(after)):
        return False  # «Владимир Владимирской области»
    if looks_like_surname(word) and not _is_word(given):
        return True
    if _is_word(given):
        is_book = _plain(given).startswith("роман") and given.islower() and not is_before
        return looks_like_surname(word) and not _ADJECTIVE.search(plain) and not is_book
    is_short = word.isupper() and not given.isupper()  # «МБУ Мария»
    return is_together and word[0].isupper() and given[0].isupper() and not is_short


def _is_word(given: str) -> bool:
    return _plain(given) in _forms_of_words()


@lru_cache(maxsize=1)
def _forms() -> frozenset[str]:
    text = files("nmc_utils.intake").joinpath("given_names.txt").read_text("utf-8")
    return frozenset(form for name in text.split() for form in _forms_of(name))


@lru_cache(maxsize=1)
def _forms_of_words() -> frozenset[str]:
    return frozenset(form for name in _WORDS_TOO for form in _forms_of(name))


def _forms_of(name: str) -> set[str]:
    plain = folded(name)
    ending = next(ending for ending in _CASES if plain.endswith(ending))
    return {plain.removesuffix(ending) + case for case in _CASES[ending]}


@lru_cache(maxsize=100_000)
def _plain(word: str) -> str:
    return folded(without_look_alikes(word))

"""What a row refers to must be among the accepted rows of the table that it names."""

from __future__ import annotations

import re

import pandas as pd

from nmc_utils.intake.batch import BLANK, PROBLEM, WAITING, Batch, among, numbered, problem
from nmc_utils.intake.columns import folded
from nmc_utils.intake.conversion import IDENTIFIERS, report_unknown
from nmc_utils.intake.reported import is_of_center_alone
from nmc_utils.intake.shown import words_of
from nmc_utils.tables import TITLES

#: A table comes after those it refers to.
ORDER = (
    "organizations",
    "procedures",
    "staff",
    "forms",
    "items",
    "employment",
    "scores",
    "responses",
    "methodists",
    "programmes",
    "events",
    "routes",
    "route_measures",
    "completions",
    "teams",
    "mentoring",
    "support",
    "attendance",
    "agreements",
    "acts",
    "registries",
    "roadmap",
    "recommendations",
    "aggregates",
)
#: Table → (columns, table they refer to): the last column is the cell to correct.
_REFERENCES: dict[str, list[tuple[list[str], str]]] = {
    "forms": [(["procedure_id"], "procedures")],
    "items": [(["form_id"], "forms"), (["form_id", "domain"], "forms")],
    "employment": [(["person_id"], "staff"), (["organization_id"], "organizations")],
    "scores": [
        (["person_id"], "staff"),
        (["procedure_id"], "procedures"),
        (["form_id"], "forms"),
        (["form_id", "domain"], "forms"),
    ],
    "responses": [(["person_id"], "staff"), (["form_id"], "items")],
    "routes": [(["person_id"], "staff")],
    "route_measures": [(["route_id"], "routes"), (["event_id"], "events")],
    "completions": [(["person_id"], "staff"), (["programme_id"], "programmes")],
    "teams": [(["organization_id"], "organizations"), (["programme_id"], "programmes")],
    "mentoring": [
        (["mentor_organization_id"], "organizations"),
        (["mentee_organization_id"], "organizations"),
    ],
    "support": [(["person_id"], "staff")],
    "attendance": [(["person_id"], "staff"), (["event_id"], "events")],
    "registries": [(["organization_id"], "organizations")],
    "aggregates": [(["procedure_id"], "procedures")],
}
#: Columns that are called otherwise in the table they refer to.
_THERE = dict.fromkeys(("mentor_organization_id", "mentee_organization_id"), "organization_id")
#: Tables that the centre sends as well as municipalities, and that other rows refer to.
_OF_BOTH = ("events", "routes")
#: Tables whose people may be sent by another file than the one that tells of them.
_OF_OTHERS = ("routes", "completions", "support", "attendance")
_NOUNS = {
    "person_id": "Этого человека",
    "organization_id": "Этой организации",
    "procedure_id": "Этой процедуры",
    "form_id": "Этой формы",
    "route_id": "Этого ИОМ",
    "event_id": "Этого мероприятия",
    "programme_id": "Этой программы",
    "mentor_organization_id": "Этой организации",
    "mentee_organization_id": "Этой организации",
    "domain": "Такой компетенции в этой форме",
}


def check_references(batch: Batch, batches: dict[str, Batch], lacking: Lacking) -> None:
    """Hold out the rows of `batch` that refer to a row nobody sent, or to one held out."""
    for columns, target in _REFERENCES.get(batch.table, []):
        if lacking.behind(target):
            continue
        there = [_THERE.get(column, column) for column in columns]
        if there == ["organization_id"]:
            _spell_as_registered(batch, columns[0], batches[target])
        wanted = batch.data[columns].set_axis(there, axis=1)
        usable = wanted.notna().all(axis=1)
        if len(columns) > 1:  # an unknown form has been reported already
            usable &= _among(wanted[there[:-1]], batches[target])
        elif columns[0] in batch.text:
            known = batches[target].accepted()[there[0]]
            batch.allowed[columns[0]] = words_of(known.unique())
        sent = _among(wanted, batches[target])
        known = _among(wanted, batches[target], live=True)
        noun, title = _NOUNS[columns[-1]], TITLES[target]
        if batch.table == "employment" and target == "staff":
            is_second = batch.data["is_main"].eq(False).fillna(False).astype(bool)
            _await_person(batch, usable & ~sent & is_second, "Это второе место работы, а")
            usable &= sent | ~is_second
        if batch.table in _OF_OTHERS and target == "staff":
            is_foreign = _without_people(batch, batches["staff"])
            _await_person(batch, usable & ~sent & is_foreign, "В этом файле нет сотрудников, а")
            usable &= sent | ~is_foreign
        is_center = _of_center(batch, batches)
        for rows, remedy in (
            (usable & ~sent & is_center, f"Исправьте значение или {_ADD.format(title)}."),
            (usable & ~sent & ~is_center, _remedy_elsewhere(target)),
        ):
            meaning = f"{noun} нет на листе «{title}» ни в одном файле"
            if columns[-1] in IDENTIFIERS:
                known_codes = batches[target].accepted()[there[-1]].unique()
                report_unknown(batch, rows, columns[-1], meaning, remedy, known_codes)
            else:
                batch.report(rows, columns[-1], meaning, remedy)
        _report_held(batch, usable & sent & ~known, wanted, columns[-1], batches[target])


_ADD = "добавьте строку на лист «{}»"


def _of_center(batch: Batch, batches: dict[str, Batch]) -> pd.Series:
    """Rows of files that have a sheet which the centre alone sends."""
    sheets = [one.pieces for table, one in batches.items() if is_of_center_alone(table)]
    files = {piece.file for pieces in sheets for piece in pieces}
    return batch.piece.isin([n for n, piece in enumerate(batch.pieces) if piece.file in files])


def _remedy_elsewhere(target: str) -> str:
    """What a municipality can do about a code that is on no sheet of `target`."""
    title = TITLES[target]
    if is_of_center_alone(target):
        return f"Исправьте код или сообщите центру: лист «{title}» ведёт ЦНППМ."
    if target in _OF_BOTH:
        return (
            f"Исправьте код или {_ADD.format(title)}; если строку ведёт центр, сообщите ему: "
            f"лист «{title}» есть и у ЦНППМ."
        )
    return f"Исправьте значение или {_ADD.format(title)}."


def _report_held(
    batch: Batch, rows: pd.Series, wanted: pd.DataFrame, column: str, target: Batch
) -> None:
    """Hold rows that refer to a row that is held out; who cannot mend that one has to wait."""
    title, is_center = TITLES[target.table], is_of_center_alone(target.table)
    meaning = f"{_NOUNS[column]} нет среди принятых: строка на листе «{title}» задержана"
    is_else = ~_in_own_file(batch, wanted, target) & (is_center or target.table in _OF_BOTH)
    remedy = f"Сначала исправьте строку на листе «{title}»."
    batch.report(rows & ~is_else, column, meaning, remedy)
    who = "центр" if is_center else "тот, кто прислал лист,"
    batch.report(
        rows & is_else,
        column,
        meaning,
        f"Исправлять не нужно: строка будет принята, когда {who} исправит лист «{title}».",
        kind=WAITING,
    )


def _in_own_file(batch: Batch, wanted: pd.DataFrame, target: Batch) -> pd.Series:
    """Which rows of `wanted` occur in `target` in the same file."""
    here, there = (
        one.piece.map({number: piece.file for number, piece in enumerate(one.pieces)})
        for one in (batch, target)
    )
    sent = target.data.loc[target.current, list(wanted)].assign(_file=there)
    pairs = pd.MultiIndex.from_frame(sent.dropna())
    return pd.Series(pd.MultiIndex.from_frame(wanted.assign(_file=here)).isin(pairs), wanted.index)


def _without_people(batch: Batch, staff: Batch) -> pd.Series:
    """Rows of files that have no sheet of people: somebody else sends these."""
    files = {piece.file for piece in staff.pieces}
    foreign = [number for number, piece in enumerate(batch.pieces) if piece.file not in files]
    return batch.piece.isin(foreign)


def _await_person(batch: Batch, rows: pd.Series, why: str) -> None:
    """Hold rows about people whose own municipality has not sent them yet."""
    batch.report(
        rows,
        "person_id",
        f"{why} листа «Сотрудники» с этим человеком ещё никто не прислал",
        "Исправлять не нужно, если человека пришлёт другое муниципальное образование: строка "
        "будет принята вместе с его файлом. Иначе проверьте имя и дату рождения.",
        kind=WAITING,
    )


def _spell_as_registered(batch: Batch, column: str, register: Batch) -> None:
    """Write an organisation as its register does where only case, quotes or dashes differ."""
    codes = register.accepted()["organization_id"].unique()
    by_fold: dict[str, set[str]] = {}
    for code in codes:
        by_fold.setdefault(_folded_name(code), set()).add(code)
    spelled = {fold: same.pop() for fold, same in by_fold.items() if len(same) == 1}
    text = batch.data[column]
    loose = text[text.notna() & ~text.isin(codes)]
    found = loose.map({code: spelled.get(_folded_name(code)) for code in loose.unique()}).dropna()
    batch.data.loc[found.index, column] = found.astype("str")
    for number in batch.piece[found.index].unique():
        rows = batch.row[found.index][batch.piece[found.index].eq(number)]
        batch.remark(
            number,
            "corrected",
            f"Организация записана не так, как на листе «{TITLES[register.table]}» (регистр, "
            "кавычки, тире, пробелы): принята запись оттуда",
            "Исправлять не нужно; впредь пишите, как в реестре.",
            found=numbered(rows),
        )


def _folded_name(text: str) -> str:
    """Bring spellings of one organisation together: «МБОУ «СОШ №1»» and «МБОУ "СОШ № 1"»."""
    plain = re.sub(r"[«»\"'“”„‘’`]", " ", folded(text))
    return " ".join(re.sub(r"№\s*", "№", plain).split())


class Lacking:
    """Tables without one row sent that was read, and the rows that are held out for want of them.

    All rows that refer to such a table, and all that refer to those, make one problem.
    """

    def __init__(self, batches: dict[str, Batch]):
        self._behind: dict[str, list[str]] = {}
        for table in ORDER:
            if table not in batches or batches[table].status.eq(BLANK).all():
                self._behind[table] = [table]
                continue
            targets = [target for _, target in _REFERENCES.get(table, [])]
            causes = [cause for target in targets for cause in self.behind(target)]
            self._behind[table] = list(dict.fromkeys(causes))
        self._held: dict[str, dict[str, int]] = {}

    def behind(self, table: str) -> list[str]:
        """Lacking tables for want of which no row of `table` can be accepted."""
        return self._behind[table]

    def hold(self, batch: Batch) -> None:
        """Hold out the rows of `batch` that need a table that is lacking."""
        causes = self.behind(batch.table)
        needed = pd.Series(False, batch.text.index)
        for columns, target in _REFERENCES.get(batch.table, []):
            if self.behind(target):
                needed |= batch.data[columns].notna().all(axis=1)
        titles = ", ".join(f"«{TITLES[cause]}»" for cause in causes)
        if n_rows := batch.hold(needed, f"Нет листа {titles}, без которого строку не принять"):
            for cause in causes:
                self._held.setdefault(cause, {})[batch.table] = n_rows

    def problems(self) -> pd.DataFrame:
        """One problem for each lacking table that rows were held out for."""
        rows = []
        for cause, held in self._held.items():
            title = TITLES[cause]
            counted = ", ".join(f"«{TITLES[table]}» — {n_rows}" for table, n_rows in held.items())
            meaning = (
                f"Ни в одном файле нет листа «{title}», из которого прочитана хоть одна строка; "
                f"без него задержано строк: {counted}"
            )
            remedy = f"Добавьте лист «{title}» или исправьте его, если он назван среди замечаний."
            rows.append(problem("", "table", meaning, remedy, sheet=title, table=cause))
        return pd.DataFrame(rows, columns=PROBLEM)


def _among(wanted: pd.DataFrame, target: Batch, *, live: bool = False) -> pd.Series:
    """Which rows of `wanted` occur in `target`."""
    rows = target.data.loc[target.live if live else target.current]
    if wanted.shape[1] == 1:
        return among(wanted.iloc[:, 0], rows[wanted.columns[0]])
    pairs = pd.MultiIndex.from_frame(rows[list(wanted)].dropna())
    return pd.Series(pd.MultiIndex.from_frame(wanted).isin(pairs), wanted.index)

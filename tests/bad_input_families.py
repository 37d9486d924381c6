"""Bad inputs of the same families that the list does not name."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from bad_input_makers import (
    ALL,
    IN_CSV,
    LOST_CSV,
    NEWER,
    REFUSED,
    Case,
    Says,
    above,
    all_csv,
    at,
    below,
    both,
    corrected,
    every_line,
    extra,
    finished,
    full_names,
    held,
    in_parts,
    lost,
    patched,
    prefixed,
    put,
    raw,
    scores_csv,
    twice,
    worthless,
)
from bad_inputs import (
    BAD,
    SCORES,
    compound,
    csv_of,
    formula,
    person,
    zip_of,
)
from intake_books import staff_row

_NEW = "Велижанина"  # surname of the person in rows 6 and 7 of the results

CASES = [
    Case("utf-16", scores_csv(encoding="utf-16"), form="UTF-16", **IN_CSV),
    Case(
        "separators and line breaks inside quotes",
        both(
            put({"Сотрудники!F2": "высшее; магистр", "Сотрудники!F3": "высшее,\nочное"}),
            lambda sent: sent.raw.update({"Абаза Сотрудники.csv": csv_of(sent.take("Сотрудники"))}),
        ),
        (Says("пробел", kind="corrected", file=r"Абаза Сотрудники\.csv", times=None),),
        stored={"staff.education": ["высшее; магистр", "высшее, очное"]},
    ),
    Case(
        "a wrong value in a text file",
        scores_csv(cells={"Результаты!J6": -1, "Результаты!L8": "31.02.2023"}),
        held("границ", "J6") + held("такого дня", "L8"),
        lost("scores", 2),
        **IN_CSV,
    ),
    Case(
        "a wrong value on a sheet without a name of its own",
        both(
            put({"Результаты!J6": -1}),
            lambda sent: sent.books[BAD].update({"Лист1": sent.take("Результаты")}),
        ),
        (Says("границ"),),
        lost("scores", 1),
    ),
    Case(
        "letters that were lost on the way",
        scores_csv(
            spoil=lambda data: re.sub("[А-Яа-яЁё]", "?", data.decode()).encode(),
        ),
        (Says("(?i)столб|заголов|буквы", kind="sheet|file", times=0),),
        **(LOST_CSV | {"is_refused": False, "counts": {"scores": (0, 48, 0, 0)}}),
    ),
    Case(
        "KOI8-R",
        scores_csv(encoding="koi8-r"),
        (Says(at(1), kind="file", remedy="UTF-8"),),
        **LOST_CSV,
    ),
    Case(
        "a line that names the separator",
        scores_csv(spoil=lambda data: b"sep=;\r\n" + data),
        form="«;»",
        **IN_CSV,
    ),
    Case(
        "separators at the end of every line",
        scores_csv(spoil=every_line(lambda data: data + b";;")),
    ),
    Case("the last line has no end", scores_csv(spoil=lambda data: data.rstrip(b"\r\n"))),
    Case(
        "ends of lines as on old machines",
        scores_csv(spoil=lambda data: data.replace(b"\r\n", b"\r")),
    ),
    Case("the header in row 7", above("Результаты", ["Таблица 1"], [], [], [], [], [])),
    Case(
        "numbers of columns under the header",
        lambda sent: sent.rows().insert(1, list(range(1, 13))),
    ),
    Case(
        "numbers of rows",
        lambda sent: sent.books[BAD].update(
            {"Результаты": [["№ п/п" if n == 0 else n, *row] for n, row in enumerate(sent.rows())]}
        ),
    ),
    Case(
        "the header again on every page",
        lambda sent: (sent.rows().insert(20, SCORES), sent.rows().insert(40, SCORES)),
        (Says("аголовк", kind="not_counted", found="21, 41"),),
        extra("scores", blank=2),
    ),
    Case(
        "hidden rows",
        finished(
            lambda made: made.get_worksheet_by_name("Результаты").set_row(
                5, None, None, {"hidden": True}
            )
        ),
    ),
    Case(
        "a workbook in an archive",
        raw(lambda sent: zip_of({"Абаза.xlsx": sent.content()}), "Абаза.zip"),
        (Says("(?i)архив", kind="file", remedy="(?i)распак|извлек|достан"),),
        file=r"Абаза\.zip",
        **REFUSED,
    ),
    Case(
        "an archive called a workbook",
        raw(lambda sent: zip_of({"письмо.txt": b"1"})),
        (Says("архив", kind="file", remedy="Распакуйте"),),
        **REFUSED,
    ),
    Case(
        "a password",
        raw(lambda sent: compound(b"", "EncryptedPackage")),
        (Says("парол", kind="file", remedy="пароль"),),
        **REFUSED,
    ),
    Case(
        "no addresses of cells",
        patched(4, lambda part: re.sub(r'(<c|<row) r="\w+"', r"\1", part)),
    ),
    Case("prefixed XML", patched(4, prefixed)),
    Case(
        "formatted to the last row",
        finished(
            lambda made: made.get_worksheet_by_name("Результаты").write_blank(
                "J1048576", None, made.add_format({"bold": True})
            )
        ),
    ),
    Case(
        "a far cell with a value",
        finished(lambda made: made.get_worksheet_by_name("Результаты").write("J900000", "х")),
        (Says("J900000", kind="file|held_out|not_counted", remedy="."),),
        **REFUSED,
    ),
    Case(
        "dates with a time of day",
        put({"Результаты!L6": datetime(2023, 4, 10, 12, 30), "Результаты!L8": "10.04.2023 09:00"}),
        (Says("«Дата»", kind="corrected", times=None),),
    ),
    Case(
        "capitals and decomposed letters",
        lambda sent: sent.put(
            {
                "Результаты!A6": _NEW.upper(),
                "Результаты!A8": unicodedata.normalize("NFD", sent.rows()[7][0]),
                "Результаты!C10": unicodedata.normalize("NFD", sent.rows()[9][2]),
            }
        ),
    ),
    Case(
        "full names in one column",
        full_names,
    ),
    Case(
        "a number in words of its own",
        put({"Результаты!J6": "15 из 20", "Результаты!J8": "１５", "Результаты!J10": "1 5"}),
        held("числ", "Результаты!J6", "Результаты!J8", "Результаты!J10"),
        lost("scores", 3),
    ),
    Case(
        "a cached formula",
        put({"Результаты!J6": formula("=3+4", 7)}),
        stored={"scores.raw_score": [7.0]},
    ),
    Case(
        "two columns with one header",
        put({"Результаты!M1": "Балл", "Результаты!M2": 1}),
        (Says("больше одного раза", kind="sheet", remedy="."),),
        {"scores": (0, 48, 0, 0)},
    ),
    Case(
        "a corrected file",
        corrected,
        (Says("более нового", kind="replaced", times=4),),
        {t: (n, 0, n, 0) for t, (n, *_) in ALL.items()},
        stored={"scores.raw_score": [17.0]},
    ),
    Case(
        "the same file twice",
        twice,
        (Says(".", kind="replaced|superseded|note", times=0),),
        {t: (n, 0, n, 0) for t, (n, *_) in ALL.items()},
    ),
    Case(
        "a corrected file of which nothing can be accepted",
        worthless,
        (
            Says("более нового", kind="replaced", times=3),
            Says("не заменил прежний", kind="sheet", file=NEWER),
            Says("больше максимального", kind="held_out", file=NEWER, times=0),
        ),
        {t: (n, 0, n, 0) for t, (n, *_) in ALL.items() if t != "scores"}
        | {"scores": (48, 48, 0, 0)},
    ),
    Case("a municipality in two parts", in_parts),
    Case("all tables are text files", all_csv, file=r"Абаза .*\.csv", form="CSV"),
    Case(
        "a capital suffix",
        raw(lambda sent: sent.content(), "АБАЗА.XLSX"),
        file=r"АБАЗА\.XLSX",
    ),
    Case(
        "a sheet without a name of its own",
        lambda sent: sent.books[BAD].update({"Лист1": sent.take("Результаты")}),
        (Says("", kind="note|corrected", times=None),),
    ),
    Case(
        "a sheet that is called by another word",
        lambda sent: sent.books[BAD].update({"  результаты  ДИАГНОСТИКИ": sent.take("Результаты")}),
    ),
    Case(
        "an external link",
        lambda sent: sent.extra.update({"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}),
    ),
    Case(
        "rows of spaces",
        lambda sent: sent.rows().__setitem__(slice(9, 9), [[" ", "\u00a0", "\u200b"], [], [" "]]),
        (),
        extra("scores", blank=3),
    ),
    Case(
        "marks of direction",
        lambda sent: sent.put(
            {"Результаты!A6": f"\u202b{_NEW}\u202c", "Результаты!J6": "\u200e15"}
        ),
        (Says("невидимые", kind="corrected", found=r"\b2\b"),),
    ),
    Case(
        "dates in words and a year alone",
        put(
            {
                "Результаты!L6": "10 апреля 2023 г.",
                "Сотрудники!I3": "10.2010",
                "Сотрудники!I4": 2010,
            }
        ),
        (
            Says("«Дата»", kind="corrected", found="ячеек: 1"),
            Says("дата", "Сотрудники!I3"),
            Says("дата.*год", "Сотрудники!I4"),
            Says("листе «Сотрудники»", times=6),
        ),
        lost("staff", 2) | lost("employment", 2) | lost("scores", 4),
    ),
    Case(
        "points and commas in one number",
        put({"Результаты!J6": "1.234,5", "Результаты!J8": "1,234.5", "Результаты!J10": "+15"}),
        held("точка, и запятая", "Результаты!J6", "Результаты!J8")
        + (Says("прочитано однозначно", kind="corrected", found="ячеек: 1"),),
        lost("scores", 2),
        stored={"scores.raw_score": [15.0]},
    ),
    Case(
        "a person with two records in the register",
        below("Сотрудники", staff_row(person(2), 44)),
        held("сведения разные", "Сотрудники!A4", "Сотрудники!A26", found="A4.*A26")
        + (Says("листе «Сотрудники»", times=3),),
        {"staff": (23, 2, 0, 0)} | lost("employment", 1) | lost("scores", 2),
    ),
    Case(
        "references to nothing",
        put({"Места работы!E2": "999", "Результаты!A6": "Незнамова", "Результаты!H8": "F9"}),
        held("организации нет", "'Места работы'!E2")
        + held("человека нет", "Результаты!A6")
        + held("формы нет", "Результаты!H8"),
        lost("employment", 1) | lost("scores", 2),
        secrets=("Незнамова",),
    ),
    Case(
        "what systems leave behind",
        lambda sent: sent.raw.update(
            {"Thumbs.db": b"x", "desktop.ini": b"[x]", ".DS_Store": b"x", "Абаза.xlsx.tmp": b"x"}
        ),
        (Says(".", kind="skipped|file", file=".*", times=0),),
    ),
]

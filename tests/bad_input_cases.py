"""Every kind of bad input: how it is made, and what the person who runs `nmc check` must get."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

from bad_input_makers import (
    ALL,
    GUIDE,
    HTML,
    IN_CSV,
    LATIN,
    LOST_CSV,
    REFUSED,
    SCHOOL,
    XXE,
    YO,
    Case,
    Says,
    about_person,
    above,
    added,
    at,
    below,
    bomb,
    both,
    column,
    corrected,
    dropped,
    every_line,
    extra,
    finished,
    full_names,
    held,
    hidden,
    last_year,
    line,
    lost,
    named_school,
    no_cells,
    no_rows,
    other_place,
    patched,
    percent_cells,
    personal,
    prefixed,
    put,
    raw,
    same_person,
    scores_csv,
    small_place,
    text_of,
    twice,
    with_forms,
)
from bad_inputs import (
    BAD,
    DTD_BOMB,
    MAX_SCORE,
    SCORES,
    Sending,
    after_declaration,
    compound,
    csv_of,
    docx_of,
    formula,
    ods_of,
    person,
    score,
    work,
    xls_of,
    zip_of,
)
from intake_books import AGGREGATES, count_row

_NEW = "Велижанина"  # surname of the person in rows 6 and 7 of the results

#: Rows of a municipality with three teachers besides those of `BAD`.
_PLUS_SMALL = {"staff": 3, "employment": 3, "organizations": 1, "scores": 6}


def _reversed(sent: Sending) -> None:
    for name, rows in sent.books[BAD].items():
        width = max(map(len, rows))
        sent.books[BAD][name] = [[*row, *[None] * (width - len(row))][::-1] for row in rows]


CASES = [
    # --- text files -----------------------------------------------------------------------------
    Case("B01", scores_csv(encoding="cp1251"), form="Windows-1251", **IN_CSV),
    Case("B02", scores_csv(encoding="utf-8-sig"), form="UTF-8", **IN_CSV),
    Case(
        "B04 cp1251 taken for latin-1",
        scores_csv(spoil=lambda data: data.decode().encode("cp1251").decode("latin-1").encode()),
        (Says(at(1), kind="file", remedy="UTF-8"),),
        **LOST_CSV,
    ),
    Case(
        "B04 cp866",
        scores_csv(encoding="cp866"),
        (Says(at(1), kind="file", remedy="UTF-8"),),
        **LOST_CSV,
    ),
    Case(
        "B04 one line in another encoding",
        scores_csv(spoil=line(5, lambda data: data.decode().encode("cp1251"))),
        (Says(at(5), kind="file", remedy="UTF-8"),),
        **LOST_CSV,
    ),
    Case(
        "B05",
        scores_csv(cells={"Результаты!J6": 12.5}),
        (
            Says("прочитано однозначно", kind="corrected", found="ячеек: 1", times=None),
            Says("не кратен", "J6", kind="note"),
        ),
        stored={"scores.raw_score": [12.5]},
        form="«;»",
        **IN_CSV,
    ),
    Case("B06 tab", scores_csv("\t"), form="табуляц|TAB", **IN_CSV),
    Case("B06 pipe", scores_csv("|"), form=r"«\|»", **IN_CSV),
    Case("B06 comma", scores_csv(","), form="«,»", **IN_CSV),
    Case(
        "B06 mixed",
        scores_csv(spoil=every_line(lambda data: data.replace(b";", b"|"), first=30)),
        (Says(at(30), kind="file", remedy=r"разделител"),),
        **LOST_CSV,
    ),
    Case(
        "B07",
        scores_csv(spoil=every_line(lambda data: data + b";x", first=2)),
        (Says(r"строке 2 полей 13, в шапке 12", kind="file", remedy="."),),
        **LOST_CSV,
    ),
    Case(
        "B08 a quote is not closed",
        scores_csv(spoil=line(8, lambda data: b'"' + data)),
        (Says(rf"кавычк.*{at(8)}|{at(8)}.*кавычк", kind="file", remedy="кавычк"),),
        **LOST_CSV,
    ),
    Case(
        "B08 ragged",
        scores_csv(spoil=line(5, lambda data: data.rsplit(b";", 2)[0])),
        (Says(r"строке 5 полей 10, в шапке 12", kind="file"),),
        **LOST_CSV,
    ),
    Case(
        "B09",
        scores_csv(spoil=line(7, lambda data: data.replace(b";20;", b";2\x000;"))),
        (Says(at(7), kind="file"),),
        **LOST_CSV,
    ),
    # --- files that cannot be read ----------------------------------------------------------------
    Case(
        "B10 no bytes",
        raw(lambda sent: b""),
        (Says(r"[Фф]айл пуст", kind="file|empty", remedy="ришлите"),),
        **REFUSED,
    ),
    Case(
        "B10 headers alone",
        no_rows,
        (Says(r"пуст.*заголовки", kind="empty", remedy="ришлите"),),
        missing=REFUSED["missing"],
    ),
    Case(
        "B10 blank sheets",
        no_cells,
        (Says(r"пуст", kind="empty", remedy="ришлите"),),
        missing=REFUSED["missing"],
    ),
    Case(
        "B11 text",
        scores_csv(file="Абаза Результаты.xlsx"),
        file=r"Абаза Результаты\.xlsx",
        form="CSV",
    ),
    Case("B11 xls", raw(lambda sent: xls_of(sent.books[BAD])), form="xls"),
    Case(
        "B11 html",
        raw(lambda sent: HTML, "Абаза.xls"),
        (Says("(?i)html|веб", kind="file", remedy=GUIDE),),
        file=r"Абаза\.xls",
        **REFUSED,
    ),
    Case(
        "B12 half",
        raw(lambda sent: (whole := sent.content())[: len(whole) // 2]),
        (Says("овреждён", kind="file", remedy="(?i)пришлите"),),
        **REFUSED,
    ),
    Case(
        "B12 noise",
        raw(lambda sent: b"PK\x03\x04" + bytes(range(256)) * 8),
        (Says("овреждён", kind="file", remedy="(?i)пришлите"),),
        **REFUSED,
    ),
    Case(
        "B14",
        lambda sent: sent.raw.update({"~$Абаза.xlsx": b"\x05owner".ljust(165, b" ")}),
        (Says("служебный", kind="skipped", file=".*"),),
        form="пропущен|skipped|xlsx",
    ),
    Case(
        "B15",
        raw(bomb),
        (Says("(?i)распак|сжат|разм", kind="file", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B16",
        finished(lambda made: made.get_worksheet_by_name("Результаты").write("XFD1048576", 1)),
        (Says("XFD1048576", kind="file", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B17",
        both(
            patched(4, after_declaration(DTD_BOMB)),
            patched(
                3, lambda part: part.replace("?>", f"?>{DTD_BOMB}").replace("<v>0<", "<v>&b;<")
            ),
        ),
        (Says("DTD|DOCTYPE|сущност", kind="file", remedy="."),),
        secrets=("hahaha",),
        **REFUSED,
    ),
    Case(
        "B18",
        patched(1, lambda part: after_declaration(XXE)(part).replace("<v>0</v>", "<v>&e;</v>", 1)),
        (Says("DTD|DOCTYPE|сущност", kind="file", remedy="."),),
        **REFUSED,
    ),
    *(
        Case(
            f"B20 {what}",
            added(*parts, file=file),
            (Says(meaning, kind="file", remedy=GUIDE),),
            file=re.escape(file),
            **REFUSED,
        )
        for what, parts, file, meaning in (
            ("macros", ["xl/vbaProject.bin"], "Абаза.xlsm", "макрос"),
            ("macros called xlsx", ["xl/vbaProject.bin"], BAD, "макрос"),
            ("xlsb", ["xl/workbook.bin"], "Абаза.xlsb", "xlsb|двоичн"),
            ("object", ["xl/embeddings/oleObject1.bin"], BAD, "встроен|объект"),
            ("control", ["xl/activeX/activeX1.bin"], BAD, "ActiveX|элемент|встроен|объект"),
        )
    ),
    # --- cells ------------------------------------------------------------------------------------
    Case(
        "B21",
        put({"Результаты!J6": formula("=1+1")}),
        held("[Фф]ормул", "Результаты!J6", remedy="."),
        lost("scores", 1),
    ),
    Case(
        "B21 in a column of text",
        put({"Сотрудники!F3": formula('="высшее"')}),
        held("[Фф]ормул", "Сотрудники!F3")
        + (Says("листе «Сотрудники»", "'Места работы'!A3"), Says("листе «Сотрудники»", times=2)),
        lost("staff", 1) | lost("employment", 1) | lost("scores", 2),
    ),
    Case(
        "B22",
        put(
            {
                "Результаты!J6": formula("=NA()", "#N/A"),
                "Результаты!J8": formula("=1/0", "#DIV/0!"),
                "Результаты!J10": formula("=A1", "#REF!"),
                "Результаты!J12": "#Н/Д",
            }
        ),
        held("(?i)ошибк", "Результаты!J6", "Результаты!J8", "Результаты!J10", "Результаты!J12"),
        lost("scores", 4),
    ),
    Case(
        "B23",
        put(
            {
                "Сотрудники!F2": '=HYPERLINK("http://example.org";"диплом")',
                "Сотрудники!F3": "+cmd|' /C calc'!A0",
                "Сотрудники!F4": "-1+1",
                "Сотрудники!F5": "@SUM(1;2)",
                "Сотрудники!F6": "\t=1+1",
                "Места работы!F7": "=1+1",
            }
        ),
        (
            Says("Такого значения", "'Места работы'!F7"),
            Says("пробел", kind="corrected", times=None),
        ),
        lost("employment", 1),
        stored={
            "staff.education": [
                '=HYPERLINK("http://example.org";"диплом")',
                "+cmd|' /C calc'!A0",
                "-1+1",
                "@SUM(1;2)",
                "=1+1",
            ]
        },
    ),
    Case(
        "B24",
        put({"Организации!C2": "<img src=x onerror=alert(1)>"}),
        stored={"organizations.kind": ["<img src=x onerror=alert(1)>"]},
    ),
    Case(
        "B25 merged",
        both(
            put({f"Места работы!F{row}": None for row in range(2, 6)}),
            finished(
                lambda made: made.get_worksheet_by_name("Места работы").merge_range(
                    "F2:F5", "Абаза"
                )
            ),
        ),
        (Says("бъединённ", kind="corrected", found="F2:F5"),),
    ),
    Case(
        "B25 only the first row of several is filled",
        put({f"Места работы!F{row}": None for row in range(3, 6)}),
        held("Не заполнен", *(f"'Места работы'!F{row}" for row in range(3, 6))),
        lost("employment", 3),
    ),
    Case(
        "B26 titles above and signatures below",
        both(
            above("Результаты", ["Сведения о диагностике"], [None, "за 2023 год"], []),
            below("Результаты", [], ["Исполнитель:", "подпись"]),
        ),
        (Says("одпис|римечан", kind="not_counted", found="54"),),
        extra("scores", blank=2),
    ),
    Case(
        "B26 a group of columns above the header",
        both(
            above("Результаты", ["Педагог", *[None] * 3, "Диагностика"]),
            finished(
                lambda made: (
                    made.get_worksheet_by_name("Результаты").merge_range("A1:D1", "Педагог"),
                    made.get_worksheet_by_name("Результаты").merge_range("E1:L1", "Диагностика"),
                )
            ),
        ),
    ),
    Case(
        "B26 a header in two rows",
        both(
            above("Результаты", [*SCORES[:9], "Результат", "Максимальный", "Дата"]),
            lambda sent: sent.rows().__setitem__(1, [*[None] * 9, "Балл", "балл", None]),
        ),
    ),
    Case(
        "B26 two headers that contradict each other",
        above("Результаты", [*SCORES[:9], "Максимальный балл", "Балл", "Дата"]),
        (Says(".", kind="sheet", remedy="«Балл»"),),
        {"scores": (0, 49, 0, 0)},
    ),
    Case(
        "B27",
        lambda sent: (
            sent.rows().insert(9, ["Итого", *[None] * 8, 77]),
            sent.rows().append(["Всего по району", *[None] * 8, 777]),
            sent.rows().append([None, "Средний балл", *[None] * 7, 11.3]),
        ),
        (Says("тог", kind="not_counted", found="10, 51, 52"),),
        extra("scores", blank=3),
    ),
    Case(
        "B29 hidden",
        hidden,
        (Says("[Сс]крыт", kind="skipped", times=2),),
    ),
    Case(
        "B29 one more sheet",
        lambda sent: sent.books[BAD].update({"Лист1": [["Халтурина", 5], ["Мясоедова", 6]]}),
        (Says("не предусмотрен", kind="sheet"),),
        {"": (0, 1, 0, 0)},
    ),
    Case(
        "B29 a hidden draft of results",
        both(
            lambda sent: sent.books[BAD].update({"Результаты ": sent.rows()[:4]}),
            finished(lambda made: made.get_worksheet_by_name("Результаты ").hide()),
        ),
        (Says("скрыт", kind="sheet"),),
        {"scores": (48, 3, 0, 0)},
    ),
    Case(
        "B30 other words",
        put(
            {
                "Результаты!J1": f"Балл (макс. {MAX_SCORE})",
                "Результаты!L1": "Дата проведения",
                "Места работы!F1": "Муниципалитет",
                "Сотрудники!D1": "Дата рожд.",
            }
        ),
    ),
    Case(
        "B30 reordered",
        _reversed,
    ),
    Case(
        "B30 one more column",
        put({"Результаты!M1": "Пожелания", "Результаты!M2": "нет", "Результаты!M3": "нет"}),
        (Says("не предусмотрен", "Результаты!M1", kind="column"),),
    ),
    Case(
        "B30 a slip in an optional header",
        put({"Сотрудники!G1": "Квалификационая категорея"}),
        (
            Says(
                "не предусмотрен",
                "Сотрудники!G1",
                kind="column",
                remedy="«Квалификационная категория»",
            ),
            Says("нет необязательных", kind="column"),
        ),
        stored={"staff.category": [None] * 24},
    ),
    Case(
        "B30 a slip in a required header",
        put({"Результаты!I1": "Компитенцыя"}),
        (Says("Компетенция", kind="sheet", remedy="I1|столб"),),
        {"scores": (0, 48, 0, 0)},
    ),
    Case(
        "B32",
        dropped("Результаты", "A", "I"),
        (Says("нет столбцов «Фамилия», «Компетенция»", kind="sheet", remedy="Добавьте"),),
        {"scores": (0, 48, 0, 0)},
    ),
    # --- persons and keys -------------------------------------------------------------------------
    Case(
        "B33",
        below("Результаты", score(person(2), "Предметные", 15)),
        (Says("Такая же", "Результаты!A50", kind="superseded", found="A6"),),
        extra("scores", superseded=1),
    ),
    Case(
        "B34 another score",
        below("Результаты", score(person(2), "Предметные", 9)),
        held("с разными данными", "Результаты!A6", "Результаты!A50", found="A6.*A50"),
        {"scores": (47, 2, 0, 0)},
    ),
    Case(
        "B34 two municipalities",
        below("Места работы", work(person(2), "101", "Абакан")),
        held("несколько основных", "'Места работы'!I4", "'Места работы'!I26", remedy="."),
        {"employment": (23, 2, 0, 0)},
    ),
    Case(
        "B34 part-time work in another municipality is no mistake",
        below("Места работы", work(person(2), "101", "Абакан", "нет")),
        counts={"employment": (25, 0, 0, 0)},
        stored={"employment.municipality": ["abakan"]},
    ),
    Case(
        "B35",
        same_person([*person(2)[:2], "Юриевна", person(2)[3]], "007"),
        (
            Says("один человек", "Сотрудники!A4", kind="note", remedy="."),
            Says("один человек", "Сотрудники!A26", kind="note", remedy="."),
        ),
        {"staff": (25, 0, 0, 0), "employment": (25, 0, 0, 0), "scores": (50, 0, 0, 0)},
        stored={
            "staff.birth_year": [1967],
            "employment.organization_id": ["007"],
            "scores.raw_score": [5.0, 6.0],
        },
    ),
    Case(
        "B36 007 and 7",
        both(
            below("Организации", [7, "Абаза", "школа", "нет", "да", "нет", "нет"]),
            put({"Места работы!E2": 7}),
        ),
        counts={"organizations": (3, 0, 0, 0)},
        stored={"organizations.organization_id": ["7"], "employment.organization_id": ["7"]},
    ),
    Case(
        "B36 long numbers",
        put({"Места работы!E2": 12345678901234567890, "Места работы!E3": "1,23E+19"}),
        held("(?i)эксп|округл|потеря|числ", "'Места работы'!E2", "'Места работы'!E3"),
        lost("employment", 2),
    ),
    Case(
        "B37",
        put({"Результаты!A6": None, "Результаты!D8": None}),
        held("Не заполнен столбец «Фамилия»", "Результаты!A6")
        + held("Не заполнен столбец «Дата рождения»", "Результаты!D8"),
        lost("scores", 2),
    ),
    Case(
        "B38",
        lambda sent: sent.put({"Результаты!A6": _NEW.translate(LATIN)}),
        (Says("латин", kind="note|corrected", found=r"\b6\b"),),
        secrets=(_NEW.translate(LATIN),),
    ),
    Case(
        "B38 in the register and in words",
        lambda sent: sent.put(
            {
                "Сотрудники!A4": person(2)[0].translate(LATIN),
                "Места работы!F4": "Aбaза",
                "Результаты!I6": "Прeдметные",
            }
        ),
        (
            Says("латин", kind="note|corrected", found=r"\b4\b", times=0),
            Says("латин", kind="note|corrected", times=None),
        ),
    ),
    Case(
        "B39",
        both(
            same_person(YO, "007"),
            put({"Результаты!A50": "Семенова", "Результаты!B51": "Алена"}),
        ),
        (),
        {"staff": (25, 0, 0, 0), "employment": (25, 0, 0, 0), "scores": (50, 0, 0, 0)},
        stored={
            "staff.birth_year": [1981],
            "employment.organization_id": ["007"],
            "scores.raw_score": [5.0, 6.0],
        },
    ),
    Case(
        "B40",
        put(
            {
                "Результаты!A6": f"\u00a0{_NEW}\u200b",
                "Результаты!B6": "\ufeffСветлана  ",
                "Результаты!I7": "Методи\u00adческие",
                "Результаты!J8": "\u00a03\u2009",
                "Места работы!F4": "  Абаза ",
            }
        ),
        (
            Says("пробел", kind="corrected", found=r"\b4\b"),
            Says("пробел", kind="corrected", found=r"\b1\b"),
        ),
    ),
    Case(
        "B42 spellings",
        named_school(SCHOOL, 'МБОУ "СОШ №1"', "мбоу «сош № 1»", "МБОУ  “СОШ № 1”"),
        (
            Says("записан", kind="corrected", found="4, 6, 8"),
            Says("пробел", kind="corrected", times=None),
        ),
        stored={
            "organizations.organization_id": [SCHOOL],
            "employment.organization_id": [SCHOOL] * 12,
        },
    ),
    Case(
        "B42 unknown",
        both(named_school(SCHOOL), put({"Места работы!E2": "МБОУ «СОШ № 2»"})),
        held("рганизаци", "'Места работы'!E2", remedy=re.escape(SCHOOL)),
        lost("employment", 1),
        stored={
            "organizations.organization_id": [SCHOOL],
            "employment.organization_id": [SCHOOL] * 11,
        },
    ),
    Case(
        "B44",
        both(
            same_person(["NA", "None", "null", date(1970, 2, 3)], "007"),
            put({f"Сотрудники!F{n}": v for n, v in enumerate(["NA", "None", "null", "nan"], 2)}),
        ),
        (),
        {"staff": (25, 0, 0, 0), "employment": (25, 0, 0, 0), "scores": (50, 0, 0, 0)},
        stored={
            "staff.education": ["NA", "None", "null", "nan", "высшее"],
            "employment.organization_id": ["007"],
            "scores.raw_score": [5.0, 6.0],
        },
    ),
    # --- numbers and dates ------------------------------------------------------------------------
    Case(
        "B45 mixed",
        put({"Результаты!J6": "75%", "Результаты!J8": "80 %", "Результаты!J10": 0.75}),
        held("со знаком «%»", "Результаты!J6", "Результаты!J8", "Результаты!J10", remedy="столбец")
        + (Says("со знаком «%»", times=45, remedy="столбец"),),
        lost("scores", 48),
    ),
    Case(
        "B45 all in per cent",
        column("Результаты", "J", lambda value: f"{value * 5} %"),
        (Says("процент", kind="corrected", found="48"),),
    ),
    Case(
        "B45 the unit stands in the header",
        both(
            column("Результаты", "J", lambda value: value * 5),
            put({"Результаты!J1": "Балл, %"}),
        ),
        (Says("процент", kind="corrected", found="48"),),
    ),
    Case(
        "B45 a share written in per cent",
        with_forms("80%", "75 %"),
        (Says("(?i)процент|%|дол", kind="corrected"),),
        {"forms": (2, 0, 0, 0)},
        stored={"forms.reliability": [0.8, 0.75]},
    ),
    Case(
        "B45 a share in two units",
        with_forms("80%", 0.75, 75),
        (Says("(?i)процент|единиц|%|дол", kind="held_out", times=0),),
        {"forms": (0, 3, 0, 0)},
    ),
    Case(
        "B46 a score in a cell with the format of per cent",
        percent_cells("Результаты", ("J6", 0.75), ("J8", 1)),
        held("со знаком «%»", "Результаты!J6", "Результаты!J8", remedy="столбец")
        + (Says("со знаком «%»", times=46, remedy="столбец"),),
        lost("scores", 48),
    ),
    Case(
        "B46 a share in cells with the format of per cent",
        both(with_forms(None, None), percent_cells("Формы", ("G2", 0.8), ("G3", 0.75))),
        counts={"forms": (2, 0, 0, 0)},
        stored={"forms.reliability": [0.8, 0.75]},
    ),
    Case(
        "B47 a comma",
        put({"Результаты!J6": "12,5", "Результаты!J8": " 3,0"}),
        (
            Says("прочитано однозначно", kind="corrected", found="ячеек: 2"),
            Says("пробел", kind="corrected", times=None),
            Says("не кратен", "Результаты!J6", kind="note"),
        ),
        stored={"scores.raw_score": [12.5]},
    ),
    Case(
        "B47 thousands",
        lambda sent: sent.books[BAD].update(
            {
                "Сводные числа": [
                    AGGREGATES,
                    count_row(None, "стажировочные площадки", "1 234", place="Абаза"),
                ]
            }
        ),
        (Says("прочитано однозначно", kind="corrected", found="ячеек: 1"),),
        {"aggregates": (1, 0, 0, 0)},
        stored={"aggregates.numerator": [1234]},
    ),
    Case(
        "B49 serial numbers",
        put({"Результаты!L6": 45026, "Результаты!L8": "45026"}),
        (Says("«Дата»", kind="corrected", found="ячеек: 2"),),
    ),
    Case("B49 epoch of 1904", lambda sent: sent.options.update({"date_1904": True})),
    Case(
        "B49 impossible and ambiguous",
        put(
            {
                "Результаты!L6": "31.02.2023",
                "Результаты!L8": "01/02/2023",
                "Результаты!L10": "апрель",
                "Результаты!L12": "10.04.23",
            }
        ),
        held("(?i)дат", "Результаты!L6", "Результаты!L8", "Результаты!L10", "Результаты!L12"),
        lost("scores", 4),
    ),
    Case(
        "B50",
        put({"Результаты!J6": True, "Результаты!J8": False}),
        held("число", "Результаты!J6", "Результаты!J8"),
        lost("scores", 2),
    ),
    Case(
        "B51",
        put(
            {
                f"Результаты!J{6 + 2 * n}": text
                for n, text in enumerate(["inf", "-inf", "1e400", "NaN", "∞", 1e300])
            }
        ),
        held("числ", *(f"Результаты!J{n}" for n in (6, 8, 10, 12, 14)))
        + (Says(".", "Результаты!J16", times=0),),
        lost("scores", 6),
    ),
    Case(
        "B52",
        put({"Результаты!J6": -1, "Результаты!J8": "−1"}),
        held("границ|меньше|отрицат", "Результаты!J6", "Результаты!J8")
        + (Says("прочитано однозначно", kind="corrected", times=None),),
        lost("scores", 2),
    ),
    Case(
        "B53 one",
        put({"Результаты!J6": 21}),
        held("Балл больше максимального", "Результаты!J6"),
        lost("scores", 1),
    ),
    Case(
        "B53 two of 48 are less than 5 %",
        put({"Результаты!J6": 21, "Результаты!J8": 22}),
        held("Балл больше максимального", "Результаты!J6", "Результаты!J8"),
        lost("scores", 2),
    ),
    Case(
        "B53 three of 48",
        put({"Результаты!J6": 21, "Результаты!J8": 22, "Результаты!J10": 23}),
        held("Балл больше максимального", "Результаты!J6", "Результаты!J8", "Результаты!J10")
        + (Says("3 из 48.*задержан целиком", kind="sheet|held_out|table", times=0),),
        lost("scores", 48),
    ),
    Case(
        "B54",
        put({"Результаты!J6": 7.3}),
        (Says("не кратен 1", "Результаты!J6", kind="note"),),
        stored={"scores.raw_score": [7.3]},
    ),
    Case(
        "B55 absence",
        put({"Результаты!J6": "н/я", "Результаты!J8": "Неявка", "Результаты!J10": "-"}),
        (Says("(?i)отсутств|не\\s?яв|не явил", kind="not_counted|note", times=0),),
        {"scores": (45, 0, 0, 3)},
    ),
    Case(
        "B55 an unknown word",
        put({"Результаты!J6": "зачёт"}),
        held("число", "Результаты!J6", remedy="."),
        lost("scores", 1),
    ),
    Case(
        "B56",
        column("Результаты", "J", lambda value: MAX_SCORE),
        (Says("(?i)одинаков", kind="note", times=0),),
        stored={"scores.raw_score": [20.0] * 48},
    ),
    Case(
        "B57",
        put({"Результаты!J7": None}),
        (Says("(?i)не оцен", kind="not_counted|note", times=0),),
        {"scores": (47, 0, 0, 1)},
    ),
    Case(
        "B58",
        put({"Результаты!I6": "К99", "Результаты!I8": "Предметныя"}),
        held("Компетенция", "Результаты!I6", "Результаты!I8", remedy="Предметные"),
        lost("scores", 2),
    ),
    # --- another year, region, municipality -------------------------------------------------------
    Case(
        "B60 dates of last year",
        column("Результаты", "L", lambda value: date(2022, 4, 10)),
        (Says("2022", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B60 the explanation names another edition",
        lambda sent: sent.books.update(
            {BAD: {"Пояснение": [["Издание: khakassia/2022"]]} | sent.books[BAD]}
        ),
        (Says("2022", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B60 the same file lies in last year's folder",
        last_year,
        (Says(r"2022.*Абаза\.xlsx|Абаза\.xlsx.*2022", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B62 another region",
        other_place("Майминский район"),
        (Says("другого региона", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B62 another municipality",
        other_place("Саяногорск"),
        (Says("Саяногорск", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B63",
        small_place,
        counts={table: (ALL[table][0] + n, 0, 0, 0) for table, n in _PLUS_SMALL.items()},
        stored={
            "staff.experience_years": [3, 4, 5],
            "employment.municipality": ["sorsk"] * 3,
            "organizations.organization_id": ["301"],
            "scores.max_score": [20.0] * 6,
        },
        missing=("Саяногорск",),
    ),
    Case(
        "B64",
        both(
            below("Организации", ["013", "Абаза", "школа", "нет", "да", "нет", "нет"]),
            put({"Места работы!E2": "013"}),
        ),
        counts={"organizations": (3, 0, 0, 0)},
        stored={"organizations.organization_id": ["013"], "employment.organization_id": ["013"]},
    ),
    Case(
        "B65",
        personal,
        tuple(
            Says("(?i)личн", f"Сотрудники!{letter}1", kind="column", remedy="Удалите")
            for letter in "JKLMN"
        ),
        secrets=("112-233", "913 555", "dom@", "9512 34", "диабет"),
    ),
    Case(
        "B66",
        about_person,
        (Says("не предусмотрен", kind="sheet"),),
        {"": (0, 0, 0, 0)},
        file=r"файл № \d\.xlsx",
    ),
    Case(
        "B67 a long text",
        put({"Сотрудники!F3": "а" * 32_767}),
        held("(?i)длин", "Сотрудники!F3")
        + (Says("листе «Сотрудники»", "'Места работы'!A3"), Says("листе «Сотрудники»", times=2)),
        lost("staff", 1) | lost("employment", 1) | lost("scores", 2),
        secrets=("а" * 300,),
    ),
    Case(
        "B67 many columns",
        lambda sent: sent.rows()[0].extend(f"столбец {n}" for n in range(16_384 - 12)),
        (Says("(?i)столбц", kind="file|sheet", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B70",
        lambda sent: sent.put(
            {
                "Результаты!J6": text_of(sent, 6),
                "Результаты!J7": f"'{text_of(sent, 7)}",
                "Результаты!K8": "20,0",
            }
        ),
        (
            Says("прочитано однозначно", kind="corrected", times=None),
            Says("пробел", kind="corrected", times=None),
        ),
    ),
    Case(
        "B72 xls",
        raw(lambda sent: xls_of(sent.books[BAD]), "Абаза.xls"),
        form="xls",
        file=r"Абаза\.xls",
    ),
    Case(
        "B72 ods",
        raw(lambda sent: ods_of(sent.books[BAD]), "Абаза.ods"),
        form="ods",
        file=r"Абаза\.ods",
    ),
    *(
        Case(
            f"B72 {file}",
            raw(lambda sent, content=content: content, file),
            (Says(".", kind="file", remedy=r"xlsx, xls и ods.*csv"),),
            file=re.escape(file),
            **REFUSED,
        )
        for file, content in (
            ("Абаза.docx", docx_of("Фамилия Балл")),
            ("Абаза.doc", compound(b"", "WordDocument")),
            ("Абаза.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
            ("Абаза.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(200)),
            ("Абаза.rtf", rb"{\rtf1\ansi \u1060 }"),
        )
    ),
    # --- of the same families, not in the list ----------------------------------------------------
    Case("F utf-16", scores_csv(encoding="utf-16"), form="UTF-16", **IN_CSV),
    Case(
        "F separators and line breaks inside quotes",
        both(
            put({"Сотрудники!F2": "высшее; магистр", "Сотрудники!F3": "высшее,\nочное"}),
            lambda sent: sent.raw.update({"Абаза Сотрудники.csv": csv_of(sent.take("Сотрудники"))}),
        ),
        stored={"staff.education": ["высшее; магистр", "высшее, очное"]},
    ),
    Case(
        "F a line that names the separator",
        scores_csv(spoil=lambda data: b"sep=;\r\n" + data),
        form="«;»",
        **IN_CSV,
    ),
    Case(
        "F separators at the end of every line",
        scores_csv(spoil=every_line(lambda data: data + b";;")),
    ),
    Case("F the last line has no end", scores_csv(spoil=lambda data: data.rstrip(b"\r\n"))),
    Case(
        "F ends of lines as on old machines",
        scores_csv(spoil=lambda data: data.replace(b"\r\n", b"\r")),
    ),
    Case("F the header in row 7", above("Результаты", ["Таблица 1"], [], [], [], [], [])),
    Case(
        "F numbers of columns under the header",
        lambda sent: sent.rows().insert(1, list(range(1, 13))),
    ),
    Case(
        "F numbers of rows",
        lambda sent: sent.books[BAD].update(
            {"Результаты": [["№ п/п" if n == 0 else n, *row] for n, row in enumerate(sent.rows())]}
        ),
    ),
    Case(
        "F the header again on every page",
        lambda sent: (sent.rows().insert(20, SCORES), sent.rows().insert(40, SCORES)),
        (Says("аголовк", kind="not_counted", found="21, 41"),),
        extra("scores", blank=2),
    ),
    Case(
        "F hidden rows",
        finished(
            lambda made: made.get_worksheet_by_name("Результаты").set_row(
                5, None, None, {"hidden": True}
            )
        ),
    ),
    Case(
        "F a workbook in an archive",
        raw(lambda sent: zip_of({"Абаза.xlsx": sent.content()}), "Абаза.zip"),
        (Says("(?i)архив", kind="file", remedy="(?i)распак|извлек|достан"),),
        file=r"Абаза\.zip",
        **REFUSED,
    ),
    Case(
        "F an archive called a workbook",
        raw(lambda sent: zip_of({"письмо.txt": b"1"})),
        (Says("архив", kind="file", remedy="Распакуйте"),),
        **REFUSED,
    ),
    Case(
        "F a password",
        raw(lambda sent: compound(b"", "EncryptedPackage")),
        (Says("парол", kind="file", remedy="пароль"),),
        **REFUSED,
    ),
    Case(
        "F no addresses of cells",
        patched(4, lambda part: re.sub(r'(<c|<row) r="\w+"', r"\1", part)),
    ),
    Case("F prefixed XML", patched(4, prefixed)),
    Case(
        "F formatted to the last row",
        finished(
            lambda made: made.get_worksheet_by_name("Результаты").write_blank(
                "J1048576", None, made.add_format({"bold": True})
            )
        ),
    ),
    Case(
        "F a far cell with a value",
        finished(lambda made: made.get_worksheet_by_name("Результаты").write("J900000", "х")),
        (Says("J900000", kind="file|held_out|not_counted", remedy="."),),
        **REFUSED,
    ),
    Case(
        "F dates with a time of day",
        put({"Результаты!L6": datetime(2023, 4, 10, 12, 30), "Результаты!L8": "10.04.2023 09:00"}),
        (Says("«Дата»", kind="corrected", times=None),),
    ),
    Case(
        "F capitals and decomposed letters",
        lambda sent: sent.put(
            {
                "Результаты!A6": _NEW.upper(),
                "Результаты!A8": unicodedata.normalize("NFD", sent.rows()[7][0]),
                "Результаты!C10": unicodedata.normalize("NFD", sent.rows()[9][2]),
            }
        ),
    ),
    Case(
        "F full names in one column",
        full_names,
    ),
    Case(
        "F a number in words of its own",
        put({"Результаты!J6": "15 из 20", "Результаты!J8": "１５", "Результаты!J10": "1 5"}),
        held("числ", "Результаты!J6", "Результаты!J8", "Результаты!J10"),
        lost("scores", 3),
    ),
    Case(
        "F a cached formula",
        put({"Результаты!J6": formula("=3+4", 7)}),
        stored={"scores.raw_score": [7.0]},
    ),
    Case(
        "F two columns with one header",
        put({"Результаты!M1": "Балл", "Результаты!M2": 1}),
        (Says("больше одного раза", kind="sheet", remedy="."),),
        {"scores": (0, 48, 0, 0)},
    ),
    Case(
        "F a corrected file",
        corrected,
        (Says("более нового", kind="replaced", times=4),),
        {t: (n, 0, n, 0) for t, (n, *_) in ALL.items()},
        stored={"scores.raw_score": [17.0]},
    ),
    Case(
        "F the same file twice",
        twice,
        (Says(".", kind="replaced|superseded|note", times=0),),
        {t: (n, 0, n, 0) for t, (n, *_) in ALL.items()},
    ),
    Case(
        "F what systems leave behind",
        lambda sent: sent.raw.update(
            {"Thumbs.db": b"x", "desktop.ini": b"[x]", ".DS_Store": b"x", "Абаза.xlsx.tmp": b"x"}
        ),
        (Says(".", kind="skipped|file", file=".*", times=0),),
    ),
]

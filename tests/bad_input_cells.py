"""Bad inputs: headers, columns, numbers and dates."""

from __future__ import annotations

from bad_input_makers import (
    Case,
    Says,
    above,
    below,
    both,
    column,
    dropped,
    extra,
    finished,
    held,
    hidden,
    lost,
    percent_cells,
    put,
    text_of,
    with_forms,
)
from bad_inputs import (
    BAD,
    MAX_SCORE,
    SCORES,
    Sending,
    formula,
)
from intake_books import AGGREGATES, count_row


def _reversed(sent: Sending) -> None:
    for name, rows in sent.books[BAD].items():
        width = max(map(len, rows))
        sent.books[BAD][name] = [[*row, *[None] * (width - len(row))][::-1] for row in rows]


CASES = [
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
        (Says("процент", kind="corrected", found="ячеек: 2"),),
        {"forms": (2, 0, 0, 0)},
        stored={"forms.reliability": [0.8, 0.75]},
    ),
    Case(
        "B47 a comma",
        put({"Результаты!J6": "12,5", "Результаты!J8": " 3,0"}),
        (
            Says("пробел", kind="corrected", found="ячеек: 1"),
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
]

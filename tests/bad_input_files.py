"""Bad inputs: files in other formats and encodings, damaged ones and traps."""

from __future__ import annotations

import re

from bad_input_makers import (
    GUIDE,
    HTML,
    IN_CSV,
    LOST_CSV,
    REFUSED,
    XXE,
    Case,
    Says,
    added,
    at,
    bomb,
    both,
    every_line,
    finished,
    held,
    line,
    lost,
    no_cells,
    no_rows,
    patched,
    put,
    raw,
    scores_csv,
)
from bad_inputs import (
    BAD,
    DTD_BOMB,
    after_declaration,
    compound,
    docx_of,
    ods_of,
    xls_of,
)

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
        (Says(rf"(?i)кавычк.*{at(8)}", kind="file", remedy="(?i)кавычк"),),
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
]

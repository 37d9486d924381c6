"""The paper of a draft of an individual route: its sheets and tables, the fields not filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time

from docx import Document
from docx.document import Document as Layout
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph

from nmc_utils.editions import Edition
from nmc_utils.wording import NO_HARM

NAMED_COPY = "Служебный экземпляр с ФИО"
#: Relations of python-docx's own layout to parts that no draft uses.
_UNUSED = ("/thumbnail", "/stylesWithEffects", "/customXml")
_TABLE_STYLES = ("Table Grid", "Normal Table")
_RESULTS = {
    "Что измерено": ("name", 48),
    "Результат, % максимума": ("share", 26),
    "Результат {{ said.rule }}": ("level", 40),
    "Надёжность отнесения": ("certainty", 30),
    "Рекомендация": ("advice", 36),
}
_STEPS = {
    "Уровень": ("level", 28),
    "Мероприятие": ("title", 43),
    "Компетенция": ("domain", 32),
    "Срок": ("when", 29),
    "Форма результата": ("result", 27),
    "Отметка": ("mark", 21),
}
#: Millimetres that a row has at least, so that one can write in it by hand.
_LINE, _SIGNED, _ANSWER = 8, 11, 18
_PADDING = 1.4  #: millimetres between a rule and a word
_PAIR = {"": ("label", 60), " ": ("value", 120)}
_APPROVALS = {"Кто согласует": ("label", 60), "Дата, подпись": ("value", 120)}
_ASSESSED = {
    "Что оценивается": (None, 60),
    "Самооценка педагога": (None, 60),
    "Оценка методиста": (None, 60),
}
_ASKED = (
    "Мероприятия маршрута выполнены",
    "Что изменилось в практике",
    "Дефициты, которые остались",
    "Что нужно дальше",
)
_LIMITS = (
    "Результат измерен с погрешностью; {{ said.source }}. Устойчивое отнесение — другой такой же "
    "тест скорее всего дал бы тот же уровень; пограничное уточняют в собеседовании с методистом. "
    "Где заданий мало, надёжность отнесения не оценивается."
)
_RETESTED = (
    "Выходная диагностика, {{ draft.retested_on }}. Разницу двух результатов создаёт и "
    "погрешность: о том, что изменилось, говорят с методистом."
)
_REVIEW = (
    "Если вы не согласны с результатом, подайте в {{ said.center }} заявление об уточнении "
    "результата: назовите личный код и что уточнить: весь тест или компетенцию."
)
_APART = (
    "Этот лист — для педагога и методиста: администрации организации передаются разделы 1, 3 и 4, "
    "баллов в них нет."
)
_WHOSE = "{{ full_name or 'Личный код ' ~ draft.person_id }}"


def route_layout(edition: Edition, *, is_named: bool) -> Layout:
    """Lay out a draft, with Jinja fields where something of the edition or the person stands.

    Parameters
    ----------
    is_named
        Whether the copies hold names: every page says so then.

    Notes
    -----
    The fields: `draft`, of `route_people`; `full_name`, empty where it is to be written by hand;
    `said`, what every draft says of the edition.
    """
    layout = Document()
    _strip(layout)
    _style(layout)
    _page(layout, edition, is_named=is_named)
    layout.add_heading("Индивидуальный образовательный маршрут", 1)
    layout.add_paragraph("{{ draft.kind }}. {{ said.place }}, {{ said.period }}.")
    layout.add_paragraph("{{ draft.state }}. {{ said.center }}, данные на {{ said.as_of }}.")
    _about(layout)
    _dates(layout)
    layout.add_page_break()
    _deficits(layout)
    layout.add_page_break()
    _map(layout)
    _assessment(layout)
    return layout


def _strip(layout: Layout) -> None:
    """Leave out of python-docx's own layout what no draft uses: nine tenths of its bytes."""
    for relations in (layout.part.package.rels, layout.part.rels):
        for key in [key for key, to in relations.items() if to.reltype.endswith(_UNUSED)]:
            del relations[key]
    for style in list(layout.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in _TABLE_STYLES:
            style.delete()


def _style(layout: Layout) -> None:
    """One serif letter for everything, in Russian: else a speller underlines every word."""
    for language in layout.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "ru-RU")
    style = layout.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(11)
    style.paragraph_format.space_after, style.paragraph_format.line_spacing = Pt(4), 1
    _pad(layout.styles["Table Grid"].element)
    for level, size in ((1, 16), (2, 13), (3, 11)):
        heading = layout.styles[f"Heading {level}"]
        fonts = heading.element.rPr.rFonts
        fonts.attrib.clear()  # a font of the theme goes before one that has a name
        heading.font.name, heading.font.size = style.font.name, Pt(size)
        heading.font.color.rgb = RGBColor(0, 0, 0)
        heading.paragraph_format.space_after = Pt(4)


def _pad(style: BaseOxmlElement) -> None:
    """Bring the words of every table nearer to its rules: long ones fit then."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(Mm(_PADDING).twips))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    properties = style.find(qn("w:tblPr"))
    if (given := properties.find(qn("w:tblCellMar"))) is not None:
        properties.remove(given)
    properties.append(margins)


def _page(layout: Layout, edition: Edition, *, is_named: bool) -> None:
    """A4, the mark above and what the paper is not for below, on every page."""
    section = layout.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(15)
    section.top_margin = section.bottom_margin = Mm(18)
    section.header_distance = section.footer_distance = Mm(8)
    above = [NAMED_COPY if is_named else "", edition.mark]
    section.header.paragraphs[0].text = " · ".join(filter(None, above))
    section.footer.paragraphs[0].text = f"{NO_HARM}."
    for part in (section.header, section.footer):
        part.paragraphs[0].runs[0].font.size = Pt(9)
    about = layout.core_properties
    about.title, about.author, about.language = "ИОМ", edition.region.center, "ru-RU"
    about.created = about.modified = datetime.combine(edition.as_of, time())
    about.comments, about.last_modified_by = edition.mark, ""


def _about(layout: Layout) -> None:
    layout.add_heading("1. Общие сведения", 2)
    fixed = [("Фамилия, имя, отчество", "{{ full_name }}"), ("Личный код", "{{ draft.person_id }}")]
    table = _table(layout, _PAIR, fixed, height=_LINE)
    _repeat(table, [f"{{{{ row[{at}] }}}}" for at in range(2)], "draft.facts", height=_LINE)


def _dates(layout: Layout) -> None:
    """On the first sheet: the administration approves it, and it has no score."""
    layout.add_heading("Сроки и согласования", 3)
    for columns, rows, height in (
        (_PAIR, "draft.dates", _LINE),
        (_APPROVALS, "draft.approvals", _SIGNED),
    ):
        table = _table(layout, columns)
        _repeat(table, [f"{{{{ row[{at}] }}}}" for at in range(2)], rows, height=height)
        layout.add_paragraph()


def _deficits(layout: Layout) -> None:
    layout.add_heading("2. Выявленные профессиональные дефициты", 2)
    layout.add_paragraph(f"{_WHOSE}. {_APART}")
    layout.add_paragraph(
        "Входная диагностика, {{ draft.tested_on }}. Процедура: {{ said.procedure }}."
    )
    _results(layout, "draft.entry")
    _below(
        layout,
        "Компетенции с результатом не выше {{ said.cut }} максимума: {{ draft.lacking }}. "
        "{{ draft.untested }}",
    )
    _if(layout.add_paragraph(_RETESTED), "draft.exit")
    _if(_results(layout, "draft.exit"), "draft.exit")
    _below(layout, _LIMITS)
    layout.add_paragraph("{{ said.of_kind }} {{ draft.about_kind }}")
    _if(layout.add_paragraph("{{ said.compared }}"), "said.compared")
    layout.add_paragraph(_REVIEW)


def _below(layout: Layout, text: str) -> None:
    """Add a paragraph that stands under a table."""
    layout.add_paragraph(text).paragraph_format.space_before = Pt(6)


def _results(layout: Layout, rows: str) -> Table:
    table = _table(layout, _RESULTS)
    _repeat(table, [f"{{{{ row.{field} }}}}" for field, _ in _RESULTS.values()], rows)
    return table


def _map(layout: Layout) -> None:
    layout.add_heading("3. Карта профессионального развития", 2)
    layout.add_paragraph(f"{_WHOSE}. {{{{ draft.about_steps }}}}")
    table = _table(layout, _STEPS)
    fields = [f"{{{{ row.{field} }}}}" for field, _ in _STEPS.values()]
    _repeat(table, fields, "draft.steps", height=_LINE)


def _assessment(layout: Layout) -> None:
    layout.add_heading("4. Оценка и самооценка", 2)
    table = _table(layout, _ASSESSED, [(asked, "", "") for asked in _ASKED], height=_ANSWER)
    for line in table.rows[:-1]:  # the questions stand on one page
        for cell in line.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True


def _table(
    layout: Layout,
    columns: Mapping[str, tuple[str | None, float]],
    rows: Sequence[Sequence[str]] = (),
    *,
    height: float = 0,
) -> Table:
    """A ruled table of fixed widths, its headings on every page; blank ones are left out.

    Parameters
    ----------
    columns
        Heading → field of a row, or None, and width in millimetres.
    height
        Millimetres that a row has at least; 0: as its text.
    """
    titles = [title for title in columns if title.strip()]
    filled = [*([titles] if titles else []), *rows]
    table = layout.add_table(len(filled), len(columns), style="Table Grid")
    table.autofit = False
    for line, texts in zip(table.rows, filled, strict=True):
        is_head = texts is titles
        _fill(line, texts, is_bold=is_head, height=0 if is_head else height)
        if is_head:
            line._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for column, (_, width) in zip(table.columns, columns.values(), strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)
    return table


def _fill(line: _Row, texts: Sequence[str], *, is_bold: bool = False, height: float = 0) -> None:
    """Fill in a row that no page breaks."""
    line._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    if height:
        line.height, line.height_rule = Mm(height), WD_ROW_HEIGHT_RULE.AT_LEAST
    is_pair = len(texts) == len(_PAIR)  # a label and its value
    for cell, text in zip(line.cells, texts, strict=True):
        _write(cell, text, is_bold=is_bold)
        if is_pair:
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER


def _write(cell: _Cell, text: str, *, is_bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1)
    run = paragraph.add_run(text)
    run.bold, run.font.size = is_bold, Pt(10)


def _repeat(table: Table, texts: Sequence[str], rows: str, *, height: float = 0) -> None:
    """Add a row that stands once for each of `rows`; Jinja's words are text between rows."""
    widths = [column.width for column in table.columns]
    line = table.add_row()
    _fill(line, texts, height=height)
    for cell, width in zip(line.cells, widths, strict=True):
        cell.width = width
    before = line._tr.getprevious()
    before.tail = f"{{% for row in {rows} %}}"
    line._tr.tail = "{% endfor %}"


def _if(part: Table | Paragraph, condition: str) -> None:
    """Keep a part of the document only where `condition` holds."""
    element = part._element
    element.getprevious().tail = f"{element.getprevious().tail or ''}{{% if {condition} %}}"
    element.tail = "{% endif %}"

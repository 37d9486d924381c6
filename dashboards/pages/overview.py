"""Обзор: what the edition says in one minute."""

from __future__ import annotations

from html import escape

import pandas as pd
import panel as pn

from dashboards import changes, parts
from dashboards.store import PAGES, Published, State
from nmc_utils import figures, findings, theme, wording
from nmc_utils.terms import TABLE_TITLES, TOTAL


def view(state: State) -> pn.Column:
    """Sentences, tiles, levels by domain, indicators, change and completeness."""
    now = state.current
    return parts.column(
        parts.heading(str(now.edition), now.region.center),
        parts.tiles(_tiles(now)),
        parts.row(_sentences(now), _levels(now)),
        parts.row(
            _indicators(now), parts.stack(_change(now, state.previous), _municipalities(now))
        ),
    )


def _sentences(now: Published) -> pn.Column:
    told = now.table("findings")
    if told is None:
        return parts.missing("Главное", "в прогоне нет выводов")
    lines = list(told.sort_values("position")["sentence"])
    pages = {line: page for page, line in _sure(now)}
    lines += [line for line in pages if line not in lines]
    items = [
        escape(line) + (f" {_link(now, pages[line])}" if line in pages else "") for line in lines
    ]
    text = '<ul class="lead">' + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
    return parts.card(parts.block(f"<h2>Главное</h2>{text}"))


def _sure(now: Published) -> list[tuple[str, str]]:
    """A sentence on how sure the levels are and one on change, each with its page."""
    tables = {name: now.of_procedure(name) for name in ("classification", "progress")}
    given = {name: table for name, table in tables.items() if table is not None and len(table)}
    said = []
    if "classification" in given:
        line = findings.false_deficits(given["classification"], now.region)
        said.append(("reliability", line))
    if "progress" in given:
        said.append(("progress", findings.net_change(given["progress"], now.region)))
    return said


def _link(now: Published, page: str) -> str:
    edition = now.edition
    address = {"region": now.region.code, "period": edition.period.text, "page": page}
    return parts.link(address, PAGES[page])


# --- tiles ----------------------------------------------------------------------------------------


def _tiles(now: Published) -> list[tuple[str, str, str]]:
    tiles = [_tested(now), _lowest(now), _groups(now), _known(now)]
    tiles = [(name, value, parts.joined(note, now.incomplete)) for name, value, note in tiles]
    return [*tiles, _reported(now)]


def _tested(now: Published) -> tuple[str, str, str]:
    """How many took the largest procedure; those of others are named beside it, never added."""
    name = "Прошли диагностику"
    coverage = now.table("coverage")
    if coverage is None:
        return name, "нет данных", "в прогоне нет таблицы охвата"
    rows = coverage[coverage["municipality"] == TOTAL].set_index(["procedure", "measure"])
    rows = {keys: row | {"measure": keys[1]} for keys, row in rows.to_dict("index").items()}
    tested, share = (rows.get((now.procedure, m)) for m in ("tested", "tested_share"))
    if tested is None:
        return name, "нет данных", now.gap()
    notes = [tested["note"]]
    if share and share["status"] == "ok":
        notes = [f"{wording.estimate(share)} из {wording.persons(share['n'])}", tested["note"]]
    others = [
        f"{title} — {wording.with_note(rows[code, 'tested'])}"
        for code, title in now.procedures.items()
        if code != now.procedure and (code, "tested") in rows
    ]
    if others:
        both = rows.get((TOTAL, "tested"))
        notes += [now.named(), f"Другие, не складываются: {', '.join(others)}"]
        notes += [_different(both)] if both else []
    note = parts.joined(*(text for text in notes if isinstance(text, str)))
    return name, wording.estimate(tested), note


def _different(both: dict) -> str:
    """How many people took any procedure, each counted once."""
    known = both["status"] == "ok"
    return f"Разных людей всего: {wording.estimate(both)}" if known else both["note"]


def _lowest(now: Published) -> tuple[str, str, str]:
    name = f"{findings.result_label(now.region)} на входе"
    row = changes.lowest_share(now)
    if row is None:
        return name, "нет данных", now.gap() or "в прогоне нет долей уровней"
    if row["status"] != "ok":
        return name, wording.estimate(row), row["note"]
    has_document = now.region.diagnostics.document is not None
    return (
        name,
        wording.estimate(row),
        parts.joined(basis(row), "" if has_document else now.region.cut_source),
    )


def basis(row: dict) -> str:
    """Write the interval and n of a row of a measure table."""
    bounds = wording.interval(row)
    size = wording.size(row["n"])
    return size if bounds == "—" else f"{bounds}; {size}"


def _groups(now: Published) -> tuple[str, str, str]:
    name = "Группы со схожими дефицитами"
    groups = changes.plan_row(now, "plan_groups")
    if groups is None:
        return name, "нет данных", "в прогоне нет плана групп"
    if groups["status"] != "ok":
        return name, "не составлены", groups["note"]
    persons = changes.plan_row(now, "plan_persons")
    note = f"{wording.estimate(persons)} в группах"
    of_other = "" if now.planned == now.procedure else now.named(now.planned)
    return name, wording.estimate(groups), parts.joined(note, of_other)


def _known(now: Published) -> tuple[str, str, str]:
    """Indicators with data out of all, and how many of them attained their target, by basis."""
    name = "Показатели с данными"
    indicators = now.table("indicators")
    if indicators is None:
        return name, "нет данных", "в прогоне нет показателей"
    status = findings.indicator_status(indicators)
    attained = status.loc[status["attainment"] == "attained", "basis"].value_counts()
    told = [f"{attained[code]} {text}" for code, text in findings.BASES.items() if code in attained]
    is_known = status["status"] == "ok"
    note = f"достигнуто: {', '.join(told)}" if told else _no_target(status)
    return name, f"{is_known.sum()} из {len(status)}", note


def _no_target(status: pd.DataFrame) -> str:
    if status["target"].isna().all():
        return "планов на этот период нет"
    known = status[status["status"] == "ok"]
    if known.empty:
        return "известны только плановые значения"
    if known["attainment"].eq("depends").any():
        return "достижение зависит от варианта"
    if known["attainment"].eq("not_attained").any():
        return "плановых значений не достигнуто ни одно"
    return "с планом этого периода не сравнивается ни один"


def _reported(now: Published) -> tuple[str, str, str]:
    name = "Муниципалитеты представили данные"
    reporting = now.table("reporting")
    if reporting is None:
        return name, "нет данных", "в прогоне нет сведений о том, кто представил данные"
    if reporting.empty:
        return name, "нет данных", _BY_REGION
    value = f"{reporting['is_reported'].sum()} из {len(reporting)}"
    return name, value, f"нет данных: {', '.join(now.silent)}" if now.silent else "все"


_BY_REGION = "сводные числа прислал регион, по муниципалитетам их нет"


# --- levels and indicators ------------------------------------------------------------------------


def _levels(now: Published) -> pn.Column:
    shares = now.of_procedure("level_shares")
    title = f"{findings.capital(now.region.diagnostics.lowest.label)} по блокам"
    if shares is None:
        return parts.missing(title, "в прогоне нет долей уровней")
    figure = figures.level_shares_by_domain(shares, now.region)
    lowest = shares["level"] == now.region.diagnostics.lowest.code
    return parts.chart(
        figure,
        lambda: _levels_table(now, shares[lowest]),
        note=parts.joined(now.named(), now.incomplete),
        why="" if lowest.any() else now.gap(),
    )


def _levels_table(now: Published, shares: pd.DataFrame) -> str:
    keys = {"wave": "entry", "municipality": TOTAL, "family": TOTAL}
    rows = shares.loc[(shares[list(keys)] == pd.Series(keys)).all(axis=1)]
    rows = rows.assign(name=rows["domain"].map(now.region.domain_names))
    headings = {"name": "Компетенция", "estimate": "Доля", "ci": "95 % интервал", "n": "n"}
    return parts.readable(rows, headings)


def _indicators(now: Published) -> pn.Column:
    title = "Показатели по достижению"
    indicators = now.table("indicators")
    if indicators is None:
        return parts.missing(title, "в прогоне нет показателей")
    names = {entry.id: entry.name for entry in now.region.indicators}
    status = findings.indicator_status(indicators)
    order = {code: place for place, code in enumerate(theme.ATTAINMENT)}
    status = status.sort_values("attainment", key=lambda codes: codes.map(order), kind="stable")
    rows = status.to_dict("records")
    frame = pd.DataFrame(
        {
            "Показатель": [names[row["indicator"]] for row in rows],
            "Значение": [wording.estimate(row) if row["status"] == "ok" else "—" for row in rows],
            "План": [wording.target(row) for row in rows],
            "Статус": [parts.state(row["attainment"], row["attainment_label"]) for row in rows],
        }
    )
    if status["target"].isna().all():
        frame = frame.drop(columns="План")
    note = parts.sentence(
        "У каждого показателя одно основание: документ, затем расчёт по опубликованным числам, "
        "затем записи издания, затем сводные числа",
        now.incomplete,
    )
    table = parts.table(frame, ["Значение", "План"], html=["Статус"])
    return parts.card(parts.block(f'<h2>{title}</h2><p class="muted small">{note}</p>{table}'))


# --- change and completeness ----------------------------------------------------------------------


def _change(now: Published, before: Published | None) -> pn.Column:
    title = "Что изменилось с прошлого периода"
    if before is None:
        reason = "прошлого опубликованного периода такого же вида и происхождения нет"
        return parts.missing(title, reason)
    title = f"<h2>{title}</h2>"
    try:
        return parts.card(parts.block(title + changes.compared(now, before)))
    except Exception as error:  # a damaged edition before this one must not take this one with it
        return parts.card(parts.block(title), parts.trouble(error, "Сравнение не построено"))


def _municipalities(now: Published) -> pn.Column:
    coverage, reporting = now.of_procedure("coverage"), now.table("reporting")
    if coverage is None or reporting is None:
        return parts.missing("Муниципалитеты", "в прогоне нет сведений о том, кто что прислал")
    if reporting.empty:
        return parts.missing("Муниципалитеты", _BY_REGION)
    silent = reporting.loc[~reporting["is_reported"], "municipality"]
    is_told = (coverage["measure"] == "tested") & ~coverage["municipality"].isin(silent)
    tested = coverage[is_told].set_index("municipality")
    places = now.region.municipality_names
    names = wording.with_unstated(places, tested.index)
    frame = pd.DataFrame(
        {
            "Муниципалитет": list(names.values()),
            "Работники": [_count(tested["n"], code) for code in names],
            "Прошли диагностику": [_count(tested["estimate"], code) for code in names],
        }
    )
    sent = reporting.set_index("municipality")
    lacking = [_lacking(sent, code) for code in names]
    if any(lacking):
        frame["Не прислано"] = [text or "—" for text in lacking]
    title = f"Данные представили {wording.reported(reporting)}"
    note = f'<p class="muted small">{escape(now.named())}</p>'
    html = parts.table(frame, ["Работники", "Прошли диагностику"])
    return parts.card(parts.block(f"<h2>{title}</h2>{note}{html}"))


def _lacking(sent: pd.DataFrame, code: str) -> str:
    """What a municipality has not sent, in words."""
    if code not in sent.index:
        return ""
    if not sent.loc[code, "is_reported"]:
        return "не представил данные"
    return ", ".join(TABLE_TITLES[table] for table in sent.loc[code, "not_sent"])


def _count(values: pd.Series, code: str) -> str:
    known = code in values.index and pd.notna(values[code])
    return wording.number(values[code]) if known else "нет данных"

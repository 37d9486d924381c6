"""Periods, definitions and their refusals."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from conftest import CHECKOUT

from nmc_utils.editions import DefinitionError, Period, data_root, edition, editions, series
from nmc_utils.published import read_published
from nmc_utils.regions import read_facts, read_region


@pytest.mark.parametrize(
    ("text", "kind", "first", "last", "label"),
    [
        ("2023", "calendar_year", date(2023, 1, 1), date(2023, 12, 31), "2023 год"),
        (
            "2022-2023",
            "academic_year",
            date(2022, 9, 1),
            date(2023, 8, 31),
            "2022/2023 учебный год",
        ),
        ("2023-q2", "quarter", date(2023, 4, 1), date(2023, 6, 30), "2 квартал 2023 года"),
        ("2024-q1", "quarter", date(2024, 1, 1), date(2024, 3, 31), "1 квартал 2024 года"),
    ],
)
def test_periods(text, kind, first, last, label):
    period = Period.parse(text)
    assert (period.kind, period.starts_on, period.ends_on) == (kind, first, last)
    assert (str(period), period.label) == (text, label)


@pytest.mark.parametrize("text", ["23", "2022-2024", "2023-q5", "2023/2024", "1999", ""])
def test_a_wrong_period_names_the_allowed_ones(text):
    with pytest.raises(ValueError, match="допустимо: 2023 .календарный год., 2022-2023"):
        Period.parse(text)


def _change(root, old, new):
    path = root / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("cut_basis: total ", "cut_basis: totl ", "diagnostics.cut_basis", "total, domain"),
        ("identity: name_and_birth", "identity: snils", "identity", "name_and_birth, own_code"),
        ("center: ", "centre: ", "centre", "такого ключа нет"),
        ("up_to: 0.60", "up_to: 60", "diagnostics.levels.0.up_to", "«60» не подходит"),
        ("code: abaza", "code: abakan", "municipalities.1.code", "«abakan» повторяется"),
        ("code: methodical", "code: subject", "domains.1.code", "«subject» повторяется"),
        ("code: above", "code: at_or_below", "diagnostics.levels.1.code", "повторяется"),
        ("- id: mentoring_2022", "- id: monitoring_2023", "documents.2.id", "повторяется"),
        ("- id: monitoring\n", "- id: roadmap\n", "indicators.2.id", "«roadmap» повторяется"),
        (
            "- code: methodists_only",
            "- code: whole_rma",
            "indicators.8.variants.1.code",
            "«whole_rma» повторяется",
        ),
        (
            "count: {table: staff}",
            "count: {table: scores}",
            "indicators.3.variants.0.denominator.count.table",
            "допустимо: staff, employment, organizations, methodists, routes, ",
        ),
        (
            "{role: methodist}",
            "{role: metodist}",
            "indicators.8.variants.1.denominator.count.where.role",
            "«metodist» не подходит; допустимо: curator, head, tutor, coordinator, methodist",
        ),
    ],
)
def test_a_wrong_region_gives_one_sentence_with_file_line_and_key(root, old, new, key, reason):
    line = _change(root, old, new)
    with pytest.raises(DefinitionError) as refused:
        read_region(root, "khakassia")
    text = str(refused.value)
    assert "region.yaml" in text and reason in text and key in text
    assert f"строка {line}," in text
    assert text.count("\n") == (key == "centre"), "there center is missing as well"


def test_a_target_must_name_a_known_document(root):
    line = _change(root, "document: regulation_2023, section: раздел 5", "document: x, section: y")
    message = (
        rf"строка {line}, ключ indicators\.0\.targets\.0\.document: "
        "нет документа «x»; есть: monitoring_2023, regulation_2023, mentoring_2022$"
    )
    with pytest.raises(DefinitionError, match=message):
        read_region(root, "khakassia")


def test_a_key_that_stands_twice_is_refused(root):
    line = _change(root, "up_to: 0.60", "up_to: 0.60, up_to: 0.50")
    with pytest.raises(DefinitionError, match=f"строка {line}, ключ up_to: указан дважды"):
        read_region(root, "khakassia")


def test_a_broken_yaml_is_named(root):
    _change(root, "domains:", "domains: [")
    with pytest.raises(DefinitionError, match=r"region\.yaml, строка \d+ или выше: это не YAML"):
        read_region(root, "khakassia")


def _refusal(root, change):
    """What is said of a region definition after `change`, without file and line."""
    path = root / "regions" / "khakassia" / "region.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        read_region(root, "khakassia")
    return [line.partition("ключ ")[2] for line in str(refused.value).splitlines()]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("name", 5, "«5» не подходит; допустимо: текст в кавычках"),
        ("name", None, "пустое значение не подходит; допустимо: текст в кавычках"),
        ("domains", {"code": "ict"}, "набор пар «ключ: значение» не подходит; допустимо: список"),
        ("documents", "положение", "«положение» не подходит; допустимо: список"),
        ("diagnostics", [], "список не подходит; допустимо: пары «ключ: значение»"),
        ("demonstration", [], "список не подходит; допустимо: пары «ключ: значение»"),
        ("municipalities", [], "записей 0; допустимо: не меньше 1"),
        (
            "domains",
            [{"code": f"d{n}", "name": "n", "block": "b"} for n in range(21)],
            "записей больше 20; допустимо: не больше",
        ),
        (
            "municipalities.0.code",
            "Абакан",
            "«Абакан» не подходит; допустимо: строчные латинские буквы, цифры и _, первой — буква",
        ),
        ("municipalities.0.relative_size", 0, "«0» не подходит; допустимо: больше 0"),
        ("municipalities.0.relative_size", "x", "«x» не подходит; допустимо: число"),
        (
            "municipalities.0.relative_size",
            float("nan"),
            "«nan» не подходит; допустимо: число",
        ),
        ("diagnostics.levels.0.up_to", 60, "«60» не подходит; допустимо: меньше 1"),
        ("demonstration.2022.staff", "много", "«много» не подходит; допустимо: целое число"),
        ("demonstration.2022.staff", 1.5, "«1.5» не подходит; допустимо: целое число"),
        ("demonstration.2022.mentoring", -1, "«-1» не подходит; допустимо: не меньше 0"),
        (
            "demonstration.2022.item_responses",
            "может",
            "«может» не подходит; допустимо: true, false",
        ),
        (
            "demonstration.2022.as_of",
            "31.12.2022",
            "«31.12.2022» не подходит; допустимо: дата вида 2023-12-31",
        ),
        (
            "demonstration.2022.as_of",
            "2022-13-01",
            "«2022-13-01» не подходит; допустимо: дата вида 2023-12-31",
        ),
        (
            "indicators.0.targets.0.value",
            "есть",
            "«есть» — текст; число или true, false пишут без кавычек",
        ),
        ("indicators.0.targets.0", 5, "«5» не подходит; допустимо: пары «ключ: значение»"),
        ("indicators.0.comparator", True, "«true» не подходит; допустимо: >=, <=, exists"),
    ],
)
def test_every_kind_of_mistake_is_told_in_one_russian_sentence(root, place, value, reason):
    def change(content):
        *path, last = [int(part) if len(part) == 1 else part for part in place.split(".")]
        for part in path:
            content = content[part]
        content[last] = value

    assert _refusal(root, change) == [f"{place}: {reason}"]


def test_a_wrong_key_in_a_list_gives_no_second_message(root):
    def change(content):
        content["municipalities"] = [{"code": "abakan", "nam": "Абакан", "kind": "район"}]

    assert _refusal(root, change) == [
        "municipalities.0.name: обязателен, но не указан",
        "municipalities.0.nam: такого ключа нет",
    ]


def test_keys_that_are_not_text_are_told(root):
    def change(content):
        content["demonstration"] = {2022: content["demonstration"]["2022"]}
        content[5] = 1

    assert _refusal(root, change) == [
        "demonstration.2022: «2022» не подходит; допустимо: текст в кавычках",
        "5: такого ключа нет",
    ]


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        (
            "metric: rma_total",
            "metric: rma_totl",
            r"indicators\.8\.variants\.0\.denominator\.metric",
            "«rma_totl» нет в published.csv среди фактов вида actual или count "
            "и нет в unpublished_metrics; похоже на «rma_total»",
        ),
        (
            "metric: iom_plan_share",
            "metric: qqq",
            r"indicators\.5\.metric",
            "и нет в unpublished_metrics; внесите его в одно из двух",
        ),
        ("  - iom_plan\n", "  - iom_count\n", "metric", "«iom_plan» нет .* похоже на «iom_plan_"),
        (
            "  - rip_dpp ",
            "  - rip_dpp\n  - rip_dpps",
            r"unpublished_metrics\.9",
            "«rip_dpps» не нужен ни одному показателю",
        ),
        (
            "  - rip_dpp ",
            "  - rip_dpp\n  - rma_total ",
            r"unpublished_metrics\.9",
            "«rma_total» опубликован",
        ),
    ],
)
def test_a_metric_must_be_published_or_known_to_be_not(root, old, new, key, reason):
    line = _change(root, old, new) + new.count("\n", 0, -1)
    with pytest.raises(DefinitionError, match=rf"ключ .*{key}: .*{reason}") as refused:
        read_facts(root, read_region(root, "khakassia"))
    if "iom_plan\n" not in old:  # there the line is that of the indicator, not of the list
        assert f"строка {line}," in str(refused.value)


def test_a_wrong_fact_is_told_before_anything_runs(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    (folder / "edition.yaml").write_text(
        "origin: submitted\nperiod_kind: calendar_year\nas_of: 2023-12-31\n", "utf-8"
    )
    _change_fact(root, "rma_total,2023,116", "rma_total,2023,1 16")
    with pytest.raises(DefinitionError, match="столбец value"):
        edition("khakassia", 2023, root)


def test_an_unknown_region_lists_the_known_ones(root):
    with pytest.raises(DefinitionError, match="«tomsk» не определён .*; есть: altai, khakassia"):
        read_region(root, "tomsk")


def test_an_edition_is_found_by_region_and_period(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    (folder / "edition.yaml").write_text(
        "origin: submitted\nperiod_kind: calendar_year\nas_of: 2023-12-31\n", "utf-8"
    )
    found = edition("khakassia", 2023, root)
    assert found.key == "khakassia/2023" and not found.is_demonstration
    assert [entry.key for entry in editions(root)] == ["khakassia/2023"]
    with pytest.raises(DefinitionError, match="нет издания за период 2022 .*есть: 2023"):
        edition("khakassia", "2022", root)


def test_the_kind_of_period_must_fit_the_folder(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    (folder / "edition.yaml").write_text(
        "origin: submitted\nperiod_kind: quarter\nas_of: 2023-12-31\n", "utf-8"
    )
    with pytest.raises(DefinitionError, match="period_kind: «quarter», .* календарный год"):
        edition("khakassia", "2023", root)


def test_a_folder_without_regions_says_how_to_make_one(tmp_path):
    with pytest.raises(DefinitionError, match="nmc init"):
        data_root(tmp_path)


def test_published_facts_of_khakassia_agree_with_each_other():
    path = CHECKOUT / "data" / "regions" / "khakassia" / "published.csv"
    facts = (
        read_published(path).query("kind in ('count', 'actual')").set_index(["metric", "period"])
    )
    number = facts["number"].unstack()["2023"]
    roles = ["rma_curator", "rma_head", "rma_tutors", "rma_coordinators", "rma_methodists"]
    assert number[roles].sum() == number["rma_total"] == 116
    assert round(number["workforce_total"] / number["rma_total"]) == 99
    staff = ["cnppm_staff_fulltime", "cnppm_staff_parttime", "cnppm_staff_contract"]
    assert number[staff].sum() == number["cnppm_staff_total"] == 25
    spans = facts["number"].unstack()["2022-2023"]
    trained = spans["methodists_trained"] / number["rma_methodists"]
    assert round(100 * trained) == spans["methodists_trained_share"] == 75


def test_demonstration_sizes_are_the_published_ones():
    root = CHECKOUT / "data"
    demonstration = read_region(root, "khakassia").demonstration
    facts = read_published(root / "regions" / "khakassia" / "published.csv")
    number = facts.set_index(["metric", "period"])["number"]
    assert demonstration["2023"].staff == number["workforce_total", "2023"]
    assert demonstration["2023"].tested == number["iom_count", "2023"]
    assert sum(demonstration["2023"].methodists.values()) == number["rma_total", "2023"]
    assert demonstration["2023"].low_performing == number["shnor_count", "2023"]
    assert demonstration["2022"].mentoring == number["mentoring_project_schools", "2022"]


def _change_fact(root, old, new):
    path = root / "regions" / "khakassia" / "published.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path, text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "column", "reason"),
    [
        (",count,", ",guess,", "kind", "«guess» не подходит; допустимо: target, actual, count"),
        (",exact,", ",precise,", "bound", "«precise» не подходит; допустимо: exact, about, more"),
        (",116,", ",1 16,", "value", "«1 16» — не число; допустимо: цифры и десятичная точка"),
        (",116,", ',"11,6",', "value", "«11,6» — не число"),
        (",116,", ",nan,", "value", "«nan» — не число"),
        (",116,", ",,", "value", "«» — не число"),
        (",116,", ",да,", "value", "«да» — не число"),
        (",да,", ",1,", "value", "«1» при единице да/нет; допустимо: да, нет"),
        ("rma_total,2023,", "rma_total,23,", "period", "«23» не подходит; допустимо: 2023, 2021-"),
        ("rma_total,2023,", "rma_total,без срока,", "period", "«без срока» не подходит"),
        ("rma_total,", "РМА,", "metric", "«РМА» не подходит; допустимо: строчные латинские"),
        (",чел.,", ",,", "unit", "не может быть пустым"),
        (",вводная часть,", ",,", "locator", "не может быть пустым"),
        (
            "monitoring_2023",
            "monitoring_2024",
            "document",
            "документа «monitoring_2024» нет; допустимо: mentoring_2022, monitoring_2023",
        ),
        (
            "rma_head,2023,",
            "rma_curator,2023,",
            "metric",
            "«rma_curator» за 2023 уже есть в строке 9; допустимо: один факт вида actual или",
        ),
    ],
)
def test_a_wrong_fact_gives_one_sentence_with_file_line_and_column(root, old, new, column, reason):
    path, line = _change_fact(root, old, new)
    with pytest.raises(DefinitionError) as refused:
        read_facts(root, read_region(root, "khakassia"))
    text = str(refused.value)
    assert text.startswith(f"{path}, строка {line}, столбец {column}: {reason}")
    assert "\n" not in text


def test_all_mistakes_of_the_facts_are_told_at_once(root):
    _change_fact(root, ",116,", ",1 16,")
    path, _ = _change_fact(root, ",count,", ",guess,")
    with pytest.raises(DefinitionError, match="столбец kind.*\n.*столбец value"):
        read_published(path)


def test_lines_are_counted_through_line_breaks_and_blank_lines(root):
    path, _ = _change_fact(root, "РМА: куратор", '"РМА:\nкуратор"')
    _, line = _change_fact(root, "rma_head,", "\n\nrma_head,")
    _change_fact(root, "rma_head,2023,1,", "rma_head,2023,один,")
    with pytest.raises(DefinitionError, match=f"строка {line + 2}, столбец value: «один»"):
        read_published(path)


def test_yes_and_no_are_one_and_zero(root):
    path, _ = _change_fact(root, "roadmap_exists,2023,да", "roadmap_exists,2023,нет")
    number = read_published(path).set_index("metric")["number"]
    assert number["roadmap_exists"] == 0
    facts = read_published(CHECKOUT / "data" / "regions" / "khakassia" / "published.csv")
    assert facts.set_index("metric")["number"]["roadmap_exists"] == 1
    assert facts["number"].notna().all()


def test_a_file_of_facts_that_is_not_one_says_what_to_do(root):
    path, _ = _change_fact(root, ",РМА: куратор", ",РМА, куратор")
    with pytest.raises(DefinitionError, match="строка 9: ячеек 11, а столбцов 10"):
        read_published(path)
    path.write_text(path.read_text("utf-8").replace(",", ";"), "utf-8")
    with pytest.raises(DefinitionError, match="строка 1: нужны столбцы metric,period,value"):
        read_published(path)
    path.write_bytes("метрика".encode("cp1251"))
    with pytest.raises(DefinitionError, match="сохраните файл как CSV в кодировке UTF-8"):
        read_published(path)
    path.unlink()
    with pytest.raises(DefinitionError, match="published.csv: файла .* нет. Создайте его"):
        read_published(path)


def test_a_region_may_have_published_nothing(root):
    path, _ = _change_fact(root, "metric,", "metric,")
    path.write_text(path.read_text("utf-8").partition("\n")[0] + "\n", "utf-8")
    facts = read_published(path)
    assert facts.empty and facts["number"].dtype == float


def test_locators_and_sections_are_places_of_the_document():
    region = read_region(CHECKOUT / "data", "khakassia")
    places = set(read_facts(CHECKOUT / "data", region)["locator"])
    places |= {target.section for entry in region.indicators for target in entry.targets}
    places.add(region.diagnostics.section)
    headings = {place for place in places if place.startswith("раздел «") and place.endswith("»")}
    assert places - headings == {"вводная часть", "основной текст", "раздел 5", "дорожная карта"}


# --- periods of other kinds and series ------------------------------------------------------------


def _edition_file(root, region, period, kind, origin="demonstration"):
    path = root / "regions" / region / period / "edition.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    day = Period.parse(period).ends_on
    path.write_text(f"origin: {origin}\nperiod_kind: {kind}\nas_of: {day}\n", "utf-8")


@pytest.mark.parametrize("day", ["2022-12-31", "2025-01-02"])
def test_a_day_that_is_not_of_the_period_is_refused_with_its_line(root, day):
    path = root / "regions" / "khakassia" / "2023" / "edition.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "origin: demonstration\nperiod_kind: calendar_year\nas_of: {}\n"
    path.write_text(text.format(day), "utf-8")
    message = r"edition\.yaml, строка 3, ключ as_of: .*допустимо: от 01\.01\.2023 до 31\.12\.2024"
    with pytest.raises(DefinitionError, match=message):
        edition("khakassia", "2023", root)
    path.write_text(text.format("2024-12-31"), "utf-8")
    assert edition("khakassia", "2023", root).as_of.year == 2024


def test_a_quarter_may_be_counted_from_the_new_year(root):
    _edition_file(root, "khakassia", "2023-q2", "cumulative")
    period = edition("khakassia", "2023-q2", root).period
    assert (str(period.starts_on), str(period.ends_on)) == ("2023-01-01", "2023-06-30")
    assert period.label == "2023 год, с начала по 2 квартал"


def test_a_year_cannot_be_cumulative(root):
    _edition_file(root, "khakassia", "2023", "cumulative")
    reason = "«cumulative», а период «2023» — это календарный год; допустимо: calendar_year"
    with pytest.raises(DefinitionError, match=reason):
        edition("khakassia", 2023, root)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([("khakassia", "2022-2023", "academic_year", "demonstration")], "разного вида"),
        ([("khakassia", "2023-q1", "quarter", "demonstration")], "разного вида"),
        ([("khakassia", "2022", "calendar_year", "submitted")], "разного происхождения"),
        ([("altai", "2022", "calendar_year", "demonstration")], "разных регионов"),
    ],
)
def test_what_makes_no_series_is_refused_by_name(root, others, reason):
    wanted = [("khakassia", "2023", "calendar_year", "demonstration"), *others]
    for code, period, kind, origin in wanted:
        _edition_file(root, code, period, kind, origin)
    found = [edition(code, period, root) for code, period, *_ in wanted]
    with pytest.raises(ValueError, match=f"{reason}: .*khakassia/2023"):
        series(found)


def test_a_series_stands_in_order_of_time(root):
    for period in ("2023", "2021", "2022"):
        _edition_file(root, "khakassia", period, "calendar_year")
    found = [edition("khakassia", period, root) for period in ("2023", "2021", "2022")]
    assert [entry.period.text for entry in series(found)] == ["2021", "2022", "2023"]


# --- levels, routes and targets -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (", route: ИОМ профессионального развития", "", "route нужен либо у каждого уровня"),
        ("  document: monitoring_2023\n", "", "document и section указывают вместе"),
        ("  levels:", "  routes: [стажировка]\n  levels:", "routes — маршруты без уровня"),
        ("{year: 2024, value: 250,", "{first_year: 2024, value: 250,", "указывают вместе или не"),
        ("{year: 2024, value: 250,", '{year: 2024, value: "250",', "«250» — текст; число"),
        ('    comparator: "<="\n', "", "к targets нужен comparator"),
        (
            "label: региональные методисты, metric: rma_methodists, count: {population",
            'label: "члены РМА, все роли", metric: rma_methodists, count: {population',
            "называет и rma_total, и rma_methodists",
        ),
    ],
)
def test_definitions_that_contradict_themselves_are_refused(root, old, new, reason):
    path = root / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError, match=reason):
        read_region(root, "khakassia")


def test_cuts_without_a_document_say_so():
    region = read_region(CHECKOUT / "data", "altai")
    assert region.cut_source == "порог не установлен документом, задан в определении региона"
    assert read_region(CHECKOUT / "data", "khakassia").cut_source.startswith("порог: Мониторинг")

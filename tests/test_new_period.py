"""A new period: what is made, what is carried over, what is refused, and what `run` tells of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from nmc_utils import cli
from nmc_utils.commands import comparing
from nmc_utils.editions import DefinitionError, before, edition, has_target
from nmc_utils.suite import Outcome
from nmc_utils.terms import DEMONSTRATION

HOME = "regions/khakassia"
TARGET = "targets:\n  - {indicator: %s, value: %s, document: %s, section: раздел 1}\n"


def add_edition(root: Path, period: str, *, origin: str = "submitted", more: str = "") -> None:
    kind = {4: "calendar_year", 9: "academic_year", 7: "quarter"}[len(period)]
    kind = "cumulative" if more == "cumulative" else kind
    folder = root / HOME / period
    folder.mkdir(parents=True)
    text = f"origin: {origin}\nperiod_kind: {kind}\nas_of: {period[:4]}-12-31\n"
    (folder / "edition.yaml").write_text(text + (more if ":" in more else ""), "utf-8")


def take_in_organizations(root: Path, period: str, **places: str) -> None:
    """Write what intake accepted: organisations by code, each with its municipality."""
    folder = root / "validated" / "khakassia" / period
    folder.mkdir(parents=True)
    frame = pd.DataFrame({"organization_id": list(places), "municipality": list(places.values())})
    frame["kind"] = "школа"
    for flag in (
        "is_low_performing",
        "in_mentoring",
        "is_internship_site",
        "is_innovation_site",
    ):
        frame[flag] = False
    frame.to_parquet(folder / "organizations.parquet")


@pytest.fixture
def nmc(root: Path):
    def call(*arguments: str):
        return CliRunner().invoke(cli.app, ["--data", str(root), *arguments])

    return call


def begun(nmc, period: str = "2024") -> dict:
    done = nmc("new-period", "khakassia", period, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


# --- what is made ---------------------------------------------------------------------------------


def test_the_first_period_of_a_region_is_of_submitted_data(nmc, root):
    told = begun(nmc)
    made = edition("khakassia", "2024", root)
    assert (made.origin, made.as_of, made.status) == ("submitted", date(2024, 12, 31), "draft")
    assert made.collection.deadline is None
    assert made.collection.responsible == {}
    about = yaml.safe_load((root / HOME / "2024" / "edition.yaml").read_text("utf-8"))
    assert "targets" not in about
    assert told["before"] is None
    assert told["organizations"] == {}
    assert told["not_carried"] == "предыдущего издания того же вида нет"
    assert told["municipalities"] == list(made.region.municipality_names)
    blanks = sorted(path.stem for path in (root / HOME / "2024" / "blanks").iterdir())
    assert blanks == sorted([*made.region.municipality_names.values(), "ЦНППМ"])
    assert sorted(Path(path).stem for path in told["blanks"]) == blanks


def test_organisations_are_carried_from_the_latest_of_the_same_kind_and_origin(nmc, root):
    add_edition(root, "2022")
    add_edition(root, "2023")
    add_edition(root, "2022-2023")
    take_in_organizations(root, "2022", old="abaza")
    take_in_organizations(root, "2023", s1="abaza", s2="abaza", s3="sorsk", s4="nowhere")
    take_in_organizations(root, "2022-2023", academic="abaza")
    told = begun(nmc)
    assert told["before"] == "khakassia/2023"
    assert {code: n for code, n in told["organizations"].items() if n} == {"abaza": 2, "sorsk": 1}
    assert told["not_carried"] == "организаций без муниципального образования: 1"
    blank = CalamineWorkbook.from_path(root / HOME / "2024" / "blanks" / "Абаза.xlsx")
    rows = blank.get_sheet_by_name("Организации").to_python()
    assert [row[:2] for row in rows[1:]] == [["s1", "Абаза"], ["s2", "Абаза"]]
    shown = nmc("new-period", "khakassia", "2025").stdout
    assert "Перенесено" not in shown  # nothing of 2024 has been accepted yet
    assert "Не перенесено: Республика Хакасия, 2024 год: принятых таблиц нет" in shown


def test_a_person_is_told_what_was_made_and_what_to_do_next(nmc, root):
    add_edition(root, "2023")
    take_in_organizations(root, "2023", s1="abaza", s2="abaza")
    done = nmc("new-period", "khakassia", "2024")
    assert done.exit_code == 0
    assert "14 бланков в blanks" in done.stdout.replace("\u00a0", " ")
    assert "Перенесено из издания khakassia/2023: 2 организации" in done.stdout.replace(
        "\u00a0", " "
    )
    assert f"nmc --data {root} check khakassia 2024" in done.stdout
    assert DEMONSTRATION not in done.stdout


def test_origin_is_that_of_the_latest_edition(nmc, root):
    add_edition(root, "2022", origin="demonstration")
    told = begun(nmc, "2023")
    assert told["origin"] == "demonstration"
    text = (root / HOME / "2023" / "edition.yaml").read_text("utf-8")
    assert text.startswith(f"# {DEMONSTRATION}\n")
    shown = nmc("new-period", "khakassia", "2024").stdout
    assert shown.startswith(f"{DEMONSTRATION}. Настоящие данные собирают в отдельной папке")


def test_quarters_are_counted_as_the_last_quarter_was(nmc, root):
    assert begun(nmc, "2023-q1")["period_kind"] == "quarter"
    add_edition(root, "2023-q2", more="cumulative")
    assert begun(nmc, "2023-q3")["period_kind"] == "cumulative"
    assert edition("khakassia", "2023-q3", root).period.starts_on == date(2023, 1, 1)


def test_same_inputs_same_blanks(nmc, root):
    begun(nmc)
    folder = root / HOME / "2024" / "blanks"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert nmc("new-period", "khakassia", "2024", "--blanks").exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_blanks_are_written_anew_with_the_deadline_and_the_office(nmc, root):
    begun(nmc)
    path = root / HOME / "2024" / "edition.yaml"
    text = path.read_text("utf-8").replace("deadline: null", "deadline: 2025-01-31")
    text = text.replace("responsible: {} ", "responsible: {abaza: Отдел образования} ")
    path.write_text(text, "utf-8")
    assert nmc("new-period", "khakassia", "2024", "--blanks").exit_code == 0
    assert path.read_text("utf-8") == text
    blank = CalamineWorkbook.from_path(root / HOME / "2024" / "blanks" / "Абаза.xlsx")
    lines = [row[0] for row in blank.get_sheet_by_name("Пояснение").to_python()]
    assert "Прислать до 31.01.2025 включительно" in lines
    assert "Кто отправляет: Отдел образования" in lines


# --- targets --------------------------------------------------------------------------------------


def test_indicators_without_a_target_are_listed_and_none_is_made_up(nmc, root):
    told = begun(nmc)
    made = edition("khakassia", "2024", root)
    lacking = {row["indicator"] for row in told["without_target"]}
    for indicator in made.region.indicators:
        assert (indicator.id in lacking) == (not has_target(indicator, 2024))
    assert "iom_plan_share" in lacking
    assert "horizontal_learning_share" not in lacking
    assert made.region == edition("khakassia", "2024", root).region


def test_periods_of_other_kinds_have_no_targets(nmc):
    told = begun(nmc, "2023-2024")
    assert len(told["without_target"]) > 10
    shown = nmc("new-period", "khakassia", "2024-2025").stdout
    assert "у этого периода их нет" in shown


def test_a_target_of_the_edition_is_a_target_of_its_indicator(root):
    add_edition(root, "2025")
    plain = edition("khakassia", "2025", root)
    target = TARGET % ("horizontal_learning_share", 0.3, "regulation_2023")
    (root / HOME / "2025" / "edition.yaml").write_text(
        (root / HOME / "2025" / "edition.yaml").read_text("utf-8") + target, "utf-8"
    )
    made = edition("khakassia", "2025", root)
    of = {i.id: i for i in made.region.indicators}["horizontal_learning_share"]
    added = of.targets[-1]
    assert (added.first_year, added.last_year, added.value) == (2025, 2025, 0.3)
    assert added.section == "раздел 1"
    assert made.digest != plain.digest
    assert len(made.region.indicators) == len(plain.region.indicators)


def test_the_deadline_is_nothing_that_results_depend_on(root):
    add_edition(root, "2024")
    add_edition(root, "2025", more="collection:\n  deadline: 2026-01-31\n")
    plain, asked = (edition("khakassia", period, root) for period in ("2024", "2025"))
    same = asked.model_copy(update={"collection": plain.collection})
    assert asked.digest == same.digest
    assert asked.collection.deadline == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (TARGET % ("x", 1, "regulation_2023"), "ключ targets.0.indicator: нет показателя «x»"),
        (
            TARGET % ("horizontal_learning_shar", 1, "regulation_2023"),
            "похоже на «horizontal_learning_share»",
        ),
        (TARGET % ("roadmap", 1, "d"), "ключ targets.0.document: нет документа «d»; есть: monit"),
        (
            TARGET % ("horizontal_learning_share", 20, "regulation_2023"),
            "ключ targets.0.value: «20» не подходит; допустимо: доля от 0 до 1",
        ),
        (
            TARGET % ("horizontal_learning_share", "true", "regulation_2023"),
            "«true» не подходит; допустимо: число",
        ),
        ("targets:\n  - {indicator: roadmap, value: 1}\n", "ключ targets.0.document: обязателен"),
        (
            (TARGET + "  - {indicator: %s, value: 1, document: d, section: s}\n")
            % ("roadmap", 1, "d", "roadmap"),
            "строка 6, ключ targets.1.indicator: «roadmap» повторяется",
        ),
        (
            "collection:\n  responsible: {tomsk: Отдел}\n",
            "строка 5, ключ collection.responsible.tomsk: нет муниципального образования «tomsk»",
        ),
        ("collection: {due: 1}\n", "ключ collection.due: такого ключа нет"),
        ("collection: {deadline: скоро}\n", "«скоро» не подходит; допустимо: дата вида"),
        ("collection: {deadline: 2025-02-30}\n", "строка 4: «2025-02-30» — такого дня нет"),
    ],
)
def test_mistakes_in_an_edition_name_file_line_and_what_is_allowed(root, more, sentence):
    add_edition(root, "2025", more=more)
    with pytest.raises(DefinitionError) as refused:
        edition("khakassia", "2025", root)
    assert sentence in str(refused.value)
    assert "edition.yaml, строка" in str(refused.value)


def test_a_target_that_contradicts_the_region_is_refused(root):
    add_edition(root, "2024", more=TARGET % ("horizontal_learning_share", 0.3, "regulation_2023"))
    with pytest.raises(DefinitionError, match="план на 2024 год уже есть в region.yaml"):
        edition("khakassia", "2024", root)


def test_a_target_that_nothing_can_be_compared_with_is_refused(root):
    path = root / HOME / "region.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    mine = next(row for row in content["indicators"] if row["id"] == "iom_plan_share")
    del mine["comparator"]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    add_edition(root, "2025", more=TARGET % ("iom_plan_share", 0.3, "regulation_2023"))
    with pytest.raises(DefinitionError, match="«iom_plan_share» в region.yaml нет comparator"):
        edition("khakassia", "2025", root)


def test_a_target_of_an_academic_year_is_refused(root):
    target = TARGET % ("horizontal_learning_share", 0.3, "regulation_2023")
    add_edition(root, "2025-2026", more=target)
    with pytest.raises(DefinitionError, match="планы ставят на календарный год"):
        edition("khakassia", "2025-2026", root)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tomsk", "2024"], "нет региона tomsk"),
        (["khakassia", "24"], "период «24» не распознан"),
        (["khakassia", "../2024"], "период «../2024» не распознан"),
        (["khakassia", "2023"], "издание за этот период уже есть"),
        (["khakassia", "2022"], "период 2022 не позже последнего издания того же вида"),
    ],
)
def test_what_cannot_be_begun_is_one_sentence(nmc, root, arguments, sentence):
    add_edition(root, "2023")
    kept = sorted(root.rglob("*"))
    done = nmc("new-period", *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(root.rglob("*")) == kept


def test_a_folder_without_an_edition_keeps_its_files(nmc, root):
    folder = root / HOME / "2024"
    folder.mkdir()
    (folder / "Абаза.xlsx").write_bytes(b"sent early")
    begun(nmc)
    assert (folder / "Абаза.xlsx").read_bytes() == b"sent early"
    assert edition("khakassia", "2024", root).key == "khakassia/2024"


def test_blanks_of_an_edition_that_is_not_there_are_not_written(nmc, root):
    done = nmc("new-period", "khakassia", "2024", "--blanks")
    assert done.exit_code == 1
    assert "нет издания за период 2024" in done.stderr
    assert not (root / HOME / "2024").exists()


# --- what run tells -------------------------------------------------------------------------------


def test_the_edition_before_is_the_last_of_its_series(root):
    add_edition(root, "2021")
    add_edition(root, "2022", origin="demonstration")
    add_edition(root, "2022-2023")
    add_edition(root, "2024")
    of = {period: edition("khakassia", period, root) for period in ("2021", "2022", "2024")}
    assert before(of["2024"]) == of["2021"]
    assert before(of["2021"]) is None
    assert before(of["2024"], [of["2022"]]) is None


def test_an_edition_to_which_nothing_was_sent_is_skipped(nmc, root, monkeypatch):
    monkeypatch.setattr("nmc_utils.suite.run", lambda *_, **__: [])
    begun(nmc)
    done = nmc("run", "--json")
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)["editions"]
    assert (row["edition"], row["status"], row["failure"]) == (
        "khakassia/2024",
        "nothing_sent",
        None,
    )
    shown = nmc("run")
    assert shown.exit_code == 0
    assert "Республика Хакасия, 2024 год: ещё ничего не прислано." in shown.stdout


def test_an_edition_named_though_nothing_was_sent_fails(nmc, root, monkeypatch):
    monkeypatch.setattr("nmc_utils.suite.run", lambda *_, **__: [])
    begun(nmc)
    done = nmc("run", "khakassia/2024")
    assert done.exit_code == 1
    assert "Республика Хакасия, 2024 год: ещё ничего не прислано." in done.stderr
    assert not list((root / "validated").iterdir())


def test_run_tells_the_changes_of_what_it_published(nmc, root, monkeypatch):
    add_edition(root, "2023")
    made = edition("khakassia", "2023", root)
    taken = SimpleNamespace(
        problems=pd.DataFrame(), held_out=0, missing=(), digest="d", tables={}, files={}, names=None
    )
    outcome = Outcome(made, "0123456789-1", "published", None, (), (), Path("/made"), 1.0)
    monkeypatch.setattr("nmc_utils.intake.take_in", lambda *_: taken)
    monkeypatch.setattr("nmc_utils.suite.run", lambda *_, **__: [outcome])
    told = {"before": "khakassia/2022", "sentences": ["Строк принято столько же."], "shares": []}
    monkeypatch.setattr("nmc_utils.commands.running.compared", lambda edition: told)
    (row,) = json.loads(nmc("run", "--json").stdout)["editions"]
    assert row["changes"] == told
    assert "khakassia/2023: Строк принято столько же.\n" in nmc("run").stdout


def test_a_comparison_that_cannot_be_made_is_one_sentence(root, monkeypatch):
    add_edition(root, "2022")
    add_edition(root, "2023")
    pointer = root / "results" / "current.json"
    pointer.parent.mkdir()
    pointer.write_text('{"khakassia/2022": "0123456789-1", "khakassia/2023": "0123456789-1"}')
    told = comparing.compared(edition("khakassia", "2023", root))
    assert told["before"] == "khakassia/2022"
    (sentence,) = told["sentences"]
    assert sentence.startswith("Сравнить с прошлым периодом не удалось: ")
    assert "манифеста нет" in sentence


def test_without_an_earlier_published_edition_there_is_nothing_to_compare(root):
    add_edition(root, "2022")
    add_edition(root, "2023")
    assert comparing.compared(edition("khakassia", "2023", root)) is None

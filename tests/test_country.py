"""A country of model regions: what is written, what of the templates stays out, what is refused."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import CHECKOUT, nmc

from nmc_utils import demo
from nmc_utils.demo import country
from nmc_utils.editions import DefinitionError, edition, edition_keys
from nmc_utils.intake import take_in
from nmc_utils.published import COLUMNS
from nmc_utils.regions import Region, read_facts, read_region, region_codes

TEMPLATE, OTHER = "khakassia", "zarechnaya"
MODELS = ["model_01", "model_02", "model_03"]


pytestmark = pytest.mark.long


def _define(root: Path, code: str, change: Callable[[dict], None] = lambda content: None) -> None:
    """Put a template into `root`, made of a definition of the checkout."""
    source, home = CHECKOUT / "data" / "regions" / TEMPLATE, root / "regions" / code
    home.mkdir(parents=True)
    shutil.copyfile(source / "published.csv", home / "published.csv")
    content = yaml.safe_load((source / "region.yaml").read_text("utf-8"))
    change(content)
    text = yaml.safe_dump(content | {"code": code}, allow_unicode=True)
    (home / "region.yaml").write_text(text, "utf-8")


def _zarechnaya(content: dict) -> None:
    """Another template: whole-test scores of an earlier period, counts, no РМА, few places."""
    content |= {"name": "Заречная область", "name_genitive": "Заречной области"}
    content["municipalities"] = content["municipalities"][:3]
    content["families"][2]["subjects"] = ["русский язык", "заречный язык"]
    content["families"].append({"code": "own", "name": "Родное", "subjects": ["заречная речь"]})
    content["indicators"][5]["name"] = "Площадки Заречной области"
    content["diagnostics"] |= {"cut_basis": "domain", "cut_basis_note": "Заречный приказ."}
    size = content["demonstration"]["2022"] | {"totals_only": True, "methodists": {}}
    organiser = {"organiser": "Заречный институт", "purpose": "по просьбе Заречной области"}
    size["counted"] = [{"code": "outside", "tested": 900} | organiser]
    content["demonstration"] = {"2022": size}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _define(tmp_path, TEMPLATE)
    return tmp_path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, country.Country]:
    """Three regions after two templates, written by one process."""
    root = tmp_path_factory.mktemp("country")
    _define(root, TEMPLATE)
    _define(root, OTHER, _zarechnaya)
    return root, country.write(root, 3, persons=400, processes=1)


def _files(root: Path) -> dict[str, bytes]:
    """What was written; intake itself keeps the order of arrival in a hidden file."""
    paths = [path for path in sorted(root.glob("*/model_*/**/*")) if path.is_file()]
    paths = [path for path in paths if not path.name.startswith(".")]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


# --- what is written -----------------------------------------------------------------------------


def test_the_definitions_load_and_the_editions_are_taken_in_whole(written: tuple) -> None:
    root, _ = written
    assert edition_keys(root) == [f"{code}/2023" for code in MODELS]
    for number, code in enumerate(MODELS, 1):
        region = read_region(root, code)
        assert (region.name, region.center) == (
            f"Модельный регион {number}",
            f"Модельный ЦНППМ {number}",
        )
        assert read_facts(root, region).empty
        assert (root / "regions" / code / "published.csv").read_text("utf-8") == (
            ",".join(COLUMNS) + "\n"
        )
        model = edition(code, "2023", root)
        assert model.is_demonstration
        taken = take_in(model)
        assert taken.held_out == 0 and taken.tables["staff"] == 400


def test_a_model_region_is_made_after_its_template(written: tuple) -> None:
    root, _ = written
    first, second, third = (read_region(root, code) for code in MODELS)
    template = read_region(root, TEMPLATE)
    assert third.domains == first.domains == template.domains
    assert first.diagnostics.levels == template.diagnostics.levels
    assert [entry.name for entry in second.municipalities] == [
        f"Муниципальное образование {at}" for at in (1, 2, 3)
    ]
    sizes = [entry.relative_size for entry in first.municipalities]
    assert len(set(sizes)) > 5 and max(sizes) == sizes[0]
    assert sizes != [entry.relative_size for entry in third.municipalities]
    size = second.demonstration["2023"]  # lent by 2022, the only period of the template
    assert size.totals_only and not size.methodists and str(size.as_of) == "2023-12-31"
    assert size.counted[0].tested == round(900 * 400 / 11_515)


def test_only_indicators_that_records_are_enough_for_are_kept(written: tuple) -> None:
    root, _ = written
    first, second, _ = (read_region(root, code) for code in MODELS)
    assert {at.id for at in first.indicators} >= {"internship_sites", "teachers_per_methodist"}
    assert "teachers_per_methodist" in {at.id for at in second.indicators}
    for indicator in first.indicators:
        parts = [part for v in indicator.variants for part in (v.numerator, v.denominator) if part]
        assert all(part.count and part.metric is None for part in parts)
        assert not indicator.targets and indicator.note is None and indicator.metric is None
    assert not first.documents and not first.unpublished_metrics
    assert first.diagnostics.document is None and first.diagnostics.section is None


def test_no_text_names_a_real_region(written: tuple) -> None:
    root, _ = written
    template = read_region(root, TEMPLATE)
    words = ["хакас", "хакирои", "заречн", TEMPLATE, OTHER, "абакан", "саяногорск", "алтайский"]
    words += [name.casefold() for name in template.municipality_names.values()]
    words += [document.short.casefold() for document in template.documents]
    texts = dict.fromkeys(_files(root), "")
    for name, content in _files(root).items():
        if name.endswith(".xlsx"):
            with zipfile.ZipFile(root / name) as book:
                texts[name] = " ".join(book.read(part).decode("utf-8") for part in book.namelist())
        elif name.endswith(".parquet"):
            texts[name] = pd.read_parquet(root / name).to_csv()
        else:
            texts[name] = content.decode("utf-8")
    assert sum("Модельный регион" in text for text in texts.values()) > 30
    assert "русский язык" in texts["regions/model_02/region.yaml"]
    for name, text in texts.items():
        found = [word for word in words if word in f"{name} {text}".casefold()]
        assert not found, f"{name}: {found}"


def test_what_it_took_is_told_as_it_was(written: tuple) -> None:
    root, made = written
    files = _files(root)
    assert (made.regions, made.editions, made.persons) == (3, 3, 1200)
    assert made.files == len([name for name in files if not name.startswith("validated")])
    assert made.megabytes == pytest.approx(
        sum(len(files[name]) for name in files if not name.startswith("validated")) / 1e6, abs=0.1
    )
    assert made.persons_per_second == pytest.approx(made.persons / made.seconds, rel=0.1)


def test_the_same_seed_gives_the_same_bytes_by_any_number_of_processes(
    written: tuple, tmp_path: Path
) -> None:
    expected = {n: b for n, b in _files(written[0]).items() if not n.startswith("validated")}
    for seed, is_same in ((2023, True), (7, False)):
        root = tmp_path / str(seed)
        _define(root, TEMPLATE)
        _define(root, OTHER, _zarechnaya)
        names: list[str] = []
        made = country.write(root, 3, persons=400, seed=seed, processes=2, progress=names.append)
        assert sorted(names) == [f"Модельный регион {at}" for at in (1, 2, 3)]
        assert made.persons == 1200
        assert (_files(root) == expected) is is_same
        assert _files(root).keys() == expected.keys()


def test_periods_of_several_kinds_can_be_asked_for(root: Path) -> None:
    country.write(root, 1, ["2024", "2023-q2"], persons=400, processes=1)
    assert edition_keys(root) == ["model_01/2023-q2", "model_01/2024"]
    found = [edition("model_01", period, root) for period in ("2024", "2023-q2")]
    assert [str(at.as_of) for at in found] == ["2024-12-31", "2023-06-30"]


def test_only_one_region_is_held_at_a_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref] = []
    alive: list[int] = []
    draw = demo.draw_population

    def watched(definition: Region, *rest: object) -> object:
        gc.collect()
        alive.append(sum(reference() is not None for reference in held))
        population = draw(definition, *rest)
        held.extend(map(weakref.ref, (definition, population, population.people)))
        return population

    monkeypatch.setattr(demo, "draw_population", watched)
    country.write(root, 4, persons=300, processes=1)
    assert alive == [0, 0, 0, 0]


# --- a country that is not finished --------------------------------------------------------------


def _everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.name != "demo_truth"}


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_country_leaves_nothing_and_can_be_written_again(
    root: Path, processes: int
) -> None:
    before = _everything(root)

    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        country.write(root, 3, persons=300, processes=processes, progress=interrupt)
    assert _everything(root) == before
    country.write(root, 3, persons=300, processes=processes)
    assert edition_keys(root) == [f"{code}/2023" for code in MODELS]


@pytest.mark.parametrize("failing", ["editions", "place"])
def test_a_failed_write_leaves_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = _everything(root)
    write_editions, rename = country.write_editions, Path.rename

    def fail_at_second(built: Path, definition: Region, *rest: object, **more: object) -> list:
        if definition.code == "model_02":
            raise OSError("диск полон")
        return write_editions(built, definition, *rest, **more)

    def fail_at_region(path: Path, target: Path) -> Path:
        if Path(target) == root / "regions" / "model_02":
            raise OSError("диск полон")
        return rename(path, target)

    if failing == "editions":
        monkeypatch.setattr(country, "write_editions", fail_at_second)
    else:
        monkeypatch.setattr(Path, "rename", fail_at_region)
    with pytest.raises(OSError, match="диск полон"):
        country.write(root, 2, persons=300, processes=1)
    assert _everything(root) == before


def test_truths_without_their_region_give_way(root: Path) -> None:
    old = root / "demo_truth" / "model_01" / "2019"
    old.mkdir(parents=True)
    (old / "people.parquet").write_bytes(b"of another country")
    country.write(root, 1, persons=300, processes=1)
    assert [path.name for path in (root / "demo_truth" / "model_01").iterdir()] == ["2023"]


def test_refuses_a_folder_of_a_model_region_without_definition(root: Path) -> None:
    (root / "regions" / "model_07").mkdir()
    with pytest.raises(DefinitionError, match="модельные регионы .model_07 … model_07, всего 1."):
        country.write(root, 1, persons=300)


# --- refusals ------------------------------------------------------------------------------------


def _untouched(root: Path) -> bool:
    return not any(code.startswith("model_") for code in region_codes(root))


def test_refuses_the_data_of_the_checkout(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert country.TRACKED == CHECKOUT / "data"
    monkeypatch.setattr(country, "TRACKED", root)
    with pytest.raises(DefinitionError, match="это папка данных проекта.* nmc init ПАПКА, затем"):
        country.write(root, 3, persons=400)
    assert _untouched(root)


@pytest.mark.parametrize("n_regions", [-1, 0, 100])
def test_refuses_a_number_that_has_no_codes(root: Path, n_regions: int) -> None:
    message = f"модельных регионов может быть от 1 до 99, а не {n_regions}"
    with pytest.raises(DefinitionError, match=message):
        country.write(root, n_regions, persons=400)


def test_refuses_to_mix_with_submitted_editions(root: Path) -> None:
    folder = root / "regions" / TEMPLATE / "2021"
    folder.mkdir()
    text = "origin: submitted\nperiod_kind: calendar_year\nas_of: 2021-12-31\n"
    (folder / "edition.yaml").write_text(text, "utf-8")
    with pytest.raises(DefinitionError, match="есть присланные издания khakassia/2021"):
        country.write(root, 3, persons=400)
    assert _untouched(root)


def test_refuses_to_write_over_another_country(written: tuple) -> None:
    root, _ = written
    with pytest.raises(DefinitionError, match="модельные регионы .model_01 … model_03, всего 3."):
        country.write(root, 2, persons=400)


def test_refuses_a_root_without_templates(root: Path) -> None:
    path = root / "regions" / TEMPLATE / "region.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    del content["demonstration"]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with pytest.raises(DefinitionError, match="образца для модельных нет"):
        country.write(root, 1)


def test_refuses_a_template_whose_name_would_remain(root: Path) -> None:
    def change(content: dict) -> None:
        _zarechnaya(content)
        content["domains"][0]["block"] = "Заречные компетенции"

    _define(root, OTHER, change)
    with pytest.raises(DefinitionError, match="Заречная область: .* осталось имя региона .«зареч»"):
        country.write(root, 2, persons=400)
    assert _untouched(root)


def test_refuses_too_few_persons_before_anything_is_written(root: Path) -> None:
    with pytest.raises(DefinitionError, match="регион 1: .* не может быть 50 работников"):
        country.write(root, 2, persons=50)
    assert _untouched(root)


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_a_country_and_tells_what_it_took(root: Path) -> None:
    done = nmc(root, "demo", "--regions", "2", "--persons", "400", "--periods", "2023")
    assert done.returncode == 0, done.stderr
    assert "Модельный регион 2: записан" in done.stderr and "(2 из 2)" in done.stderr
    assert "Модельных регионов 2, изданий 2, работников 800, файлов" in done.stdout
    assert "не сведения о регионе" in done.stdout
    checked = nmc(root, "check", "model_02", "2023")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_command_tells_machines_numbers(root: Path) -> None:
    done = nmc(root, "demo", "--regions", "1", "--persons", "400", "--json")
    assert done.returncode == 0 and not done.stderr
    numbers = json.loads(done.stdout)
    assert (numbers["regions"], numbers["editions"], numbers["persons"]) == (1, 1, 400)
    assert numbers["peak_memory_mb"] is None or numbers["peak_memory_mb"] > 20


def test_the_command_refuses_codes_beside_a_number(root: Path) -> None:
    done = nmc(root, "demo", TEMPLATE, "--regions", "2")
    assert done.returncode == 2
    assert "укажите либо коды регионов, либо --regions N" in done.stderr
    assert _untouched(root)

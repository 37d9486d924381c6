"""The part `seminars` of region.yaml: what it gives, and what it refuses by name."""

from __future__ import annotations

import pytest
from conftest import CHECKOUT

from nmc_utils.definitions import DefinitionError
from nmc_utils.regions import read_region
from nmc_utils.seminar_settings import Seminars, Sessions

PLACES = {"north": "Север", "south": "Юг", "west": "Запад"}
FAMILIES = {"physics": "Физика", "chemistry": "Химия"}
DISTANCES = {"north": {"south": 30.0, "west": 12.5}, "south": {"west": 7.0}}


def test_distances_are_the_same_both_ways():
    table = Seminars(distances=DISTANCES).distance_table(PLACES)
    assert table.loc["south", "north"] == table.loc["north", "south"] == 30
    assert table.loc["west", "south"] == 7 and table.loc["west", "west"] == 0
    assert Seminars().distance_table(PLACES) is None


def test_the_joint_families_of_the_regions_are_named():
    region = read_region(CHECKOUT / "data", "khakassia")
    assert region.group_families["exact_sciences"] == "Математика и естественные науки"
    assert set(region.family_names) < set(region.group_families)


@pytest.mark.parametrize(
    ("at", "hours", "per_day"),
    [
        ("15:00", 2, 2),  # 15–17, 17–19
        ("15:00", 5, 1),
        ("15:30", 3, 1),
        ("10:00", 2, 4),  # eight hours a day
        ("10:00", 3, 2),
        ("08:00", 12, 1),  # one session may be longer
        ("19:30", 1, 0),
    ],
)
def test_sessions_of_a_day_end_by_eight_in_the_evening(at, hours, per_day):
    if per_day:
        assert Sessions(at=at, hours=hours).per_day == per_day
    else:
        with pytest.raises(ValueError, match="кончится позже 20:00"):
            Sessions(at=at, hours=hours)


def test_the_usual_hour_leaves_the_digest_of_an_edition_as_it_was():
    assert Sessions().model_dump() == Sessions(at="15:00").model_dump() == {"days": 14, "hours": 2}
    assert Sessions(at="10:00").model_dump()["at"] == "10:00"


JOINT = "  joint_families: [{code: joint, name: Вместе, families: [%s]}]"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("  size: [25, 12]", "size — наименьшее и наибольшее"),
        (JOINT % "science, geology", "нет предметной группы «geology»; есть: primary"),
        (JOINT % "science", "записей 1; допустимо: не меньше 2"),
        (JOINT % "science, science", "«science» повторяется"),
        (JOINT.replace("joint,", "sport,") % "arts, science", "«sport» — уже код предметной"),
        ("  sessions: {at: 15:00}", "sessions.at: «900» не подходит; укажите часы и минуты"),
        ('  sessions: {at: "9:00"}', "sessions.at: «9:00» не подходит; укажите часы"),
        ("  sessions: {hours: 6}", "sessions: занятие с 15:00 (часов: 6) кончится позже"),
        ('  sessions: {at: "23:00"}', "sessions: занятие с 23:00 (часов: 2) кончится позже"),
        ("  on_site_within: 60", "без distances не нужен"),
        ("  distances: {abakan: {moscow: 4}}", "нет муниципального образования «moscow»"),
        (
            "  distances: {abakan: {abaza: 180}}",
            "нет расстояний: abakan — sayanogorsk; abakan — sorsk",
        ),
        ("  distances: {abakan: {abaza: -1}}", "«-1» не подходит: это не расстояние"),
        (
            "  distances: {abakan: {abaza: 180}, abaza: {abakan: 170}}",
            "180 туда и 170 обратно; оставьте одно число",
        ),
    ],
)
def test_refuses_by_line_and_key(tmp_path, lines, message):
    text = (CHECKOUT / "data/regions/khakassia/region.yaml").read_text("utf-8")
    start, end = text.index("\nseminars:"), text.index("\ndiagnostics:")
    home = tmp_path / "regions" / "khakassia"
    home.mkdir(parents=True)
    (home / "region.yaml").write_text(f"{text[:start]}\nseminars:\n{lines}\n{text[end:]}", "utf-8")
    with pytest.raises(DefinitionError) as refused:
        read_region(tmp_path, "khakassia")
    assert message in str(refused.value) and "строка" in str(refused.value)
    assert "ключ seminars" in str(refused.value)

"""The app in a browser: every page draws, asks nothing of the network, and keeps its address."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import nbformat
import pytest
from conftest import CHECKOUT
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from dashboards.store import PAGES
from nmc_utils.editions import edition
from nmc_utils.results import staged

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
#: Edition → its heading on the first page.
EDITIONS = {
    "altai/2023": "Республика Алтай, 2023 год",
    "khakassia/2022": "Республика Хакасия, 2022 год",
    "khakassia/2023": "Республика Хакасия, 2023 год",
    "kostroma/2021": "Костромская область, 2021 год",
    "kostroma/2022": "Костромская область, 2022 год",
}
HEADINGS = {
    "overview": "",
    "collection": "Сбор данных",
    "diagnostics": "Диагностика",
    "reliability": "Надёжность диагностики",
    "groups": "Группы со схожими дефицитами",
    "progress": "Динамика",
    "support": "Сопровождение",
    "indicators": "Показатели",
    "regions": "Регионы",
    "about": "О данных",
}
READY = "window.Bokeh && Bokeh.index.roots[0] && Bokeh.index.roots[0].is_idle"
PATIENCE = 30_000  # ms


def _chromium() -> str:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("Chromium не найден: укажите его в переменной CHROMIUM")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(browser: Browser, published_root: Path) -> Iterator[str]:
    """The app as `nmc dashboard` serves it, on the demonstration; ended by its process id."""
    port = _free_port()
    command = ["-m", "panel", "serve", "dashboards/app.py", "--address", "127.0.0.1"]
    server = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        cwd=CHECKOUT,
        env=os.environ | {"NMC_DATA": str(published_root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}/app"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def _wait_for(port: int, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended by itself"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"the server does not answer within {seconds} s")


class Session:
    """Pages of one test; remembers what asked for another machine and what went wrong.

    Nothing gets out: the browser is told not to find any other machine.
    """

    def __init__(self, context: BrowserContext, address: str):
        self.context, self.address = context, address
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.pages: list[Page] = []

    def _watch(self, request: Request) -> None:
        if urlparse(request.url).hostname not in ("127.0.0.1", None):
            self.outside.append(request.url)

    def open(self, **query: str) -> Page:
        page = self.context.new_page()
        self.pages.append(page)
        page.on("request", self._watch)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        search = "&".join(f"{name}={value}" for name, value in query.items())
        page.goto(f"{self.address}?{search}", timeout=PATIENCE)
        page.wait_for_function(READY, timeout=PATIENCE)
        return page

    def _listen(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all tests: the scripts of the app are read once."""
    opened = browser.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU")
    yield opened
    opened.close()


@pytest.fixture
def session(context: BrowserContext, address: str) -> Iterator[Session]:
    opened = Session(context, address)
    yield opened
    for page in opened.pages:
        page.close()
    assert opened.outside == [], "a request left this machine"
    assert opened.errors == [], "the console has errors"


def _search(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("listbox").get_by_text(option, exact=True).click()


def _of(key: str) -> dict[str, str]:
    return dict(zip(("region", "period"), key.split("/"), strict=True))


#: How many figures were not drawn in our own style, by the colour of the words at their left.
REPAINTED = """() => Bokeh.documents[0]._all_models.values().filter(
    model => model.type == "Figure").filter(figure =>
    figure.left.some(axis => axis.major_label_text_color != "#1c2833")).toArray().length"""


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, marks=() if key in ("altai/2023", "khakassia/2023") else pytest.mark.long)
        for key in EDITIONS
    ],
)
def test_every_page_draws_and_fits_a_projector_and_a_phone(session: Session, key: str):
    page = session.open(**_of(key))
    heading = page.get_by_role("heading", level=1)
    for name, title in HEADINGS.items():
        page.get_by_role("tab", name=PAGES[name]).click()
        expect(heading).to_have_text(title or EDITIONS[key], timeout=PATIENCE)
        mark = "Демонстрационные данные: не сведения о регионе"
        expect(page.locator("p.demo")).to_have_text(mark)
        shown = page.locator(".bk-Figure canvas, .reason, table").first
        expect(shown).to_be_visible(timeout=PATIENCE)
        assert page.evaluate("document.documentElement.lang") == "ru"
        assert page.evaluate(REPAINTED) == 0, name
        for width, height in ((1024, 768), (375, 812)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"innerWidth === {width} && {READY}", timeout=PATIENCE)
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width, name
            found = page.locator(".tile, h1, h2, p")
            edges = found.evaluate_all("all => all.map(e => e.getBoundingClientRect().right)")
            assert max(edges) <= width, name
        page.set_viewport_size({"width": 1440, "height": 900})


def test_another_period_changes_the_numbers_and_the_address(session: Session):
    page = session.open(**_of("khakassia/2023"))
    tile = page.locator(".tile .value").first
    expect(tile).to_have_text("1\u202f200\u00a0чел.", timeout=PATIENCE)
    _choose(page, "Период", "2022 год")
    expect(tile).to_have_text("1\u202f000\u00a0чел.", timeout=PATIENCE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Республика Хакасия, 2022 год")
    assert _search(page) == {"region": ["khakassia"], "period": ["2022"], "page": ["overview"]}


def test_a_link_opens_the_same_view(session: Session):
    page = session.open(**_of("khakassia/2023"))
    page.get_by_role("tab", name="Диагностика").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Диагностика", timeout=PATIENCE)
    _choose(page, "Муниципалитет", "Абаза")
    expect(page.get_by_text("≤ 60 %, Абаза; трудность")).to_be_visible(timeout=PATIENCE)
    query = {name: values[0] for name, values in _search(page).items()}
    assert query["municipality"] == "abaza"
    again = session.open(**query)
    expect(again.get_by_text("≤ 60 %, Абаза; трудность")).to_be_visible(timeout=PATIENCE)


def test_a_wrong_link_is_told_in_a_sentence(session: Session):
    page = session.open(region="atlantis")
    told = "По этой ссылке нет региона «atlantis». Показано: Республика Хакасия, 2023 год."
    expect(page.get_by_role("status")).to_have_text(told, timeout=PATIENCE)


def test_pressing_a_dot_chooses_its_municipality(session: Session):
    page = session.open(page="diagnostics", **_of("khakassia/2023"))
    card = page.locator(".bk-Figure").nth(3)  # two at the top, the two ways below, places
    card.scroll_into_view_if_needed(timeout=PATIENCE)
    box = card.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.16)
    page.wait_for_function("location.search.includes('municipality=')", timeout=PATIENCE)
    assert _search(page)["municipality"][0] in ("abakan", "abaza")


def test_a_chart_becomes_a_table_by_keyboard(session: Session):
    page = session.open()
    button = page.get_by_role("button", name="Таблица").first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="95 % интервал")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="График")).to_be_visible()


def test_three_levels_stand_beside_the_words_that_no_document_gives_the_cuts(session: Session):
    page = session.open(page="diagnostics", **_of("kostroma/2022"))
    for level in ("Высокий", "Средний", "Низкий"):
        row = page.get_by_role("row", name=f"{level} дефицитарный уровень")
        expect(row).to_contain_text("выше", timeout=PATIENCE)
    source = "Порог не установлен документом, задан в определении региона."
    expect(page.get_by_text(source, exact=True)).to_be_visible()


def test_another_procedure_is_chosen_and_its_link_opens_it_again(session: Session):
    page = session.open(page="diagnostics", **_of("kostroma/2022"))
    expect(page.get_by_role("heading", name="44,3")).not_to_have_count(0, timeout=PATIENCE)
    _choose(page, "Процедура", "ФГБУ «ФИОКО»")
    tested = page.get_by_role("heading", name="Диагностику прошли 309")
    expect(tested).to_be_visible(timeout=PATIENCE)
    assert _search(page)["procedure"] == ["fioko-2022"]
    again = session.open(**{name: values[0] for name, values in _search(page).items()})
    reason = again.get_by_text("Процедура прислана сводными числами, без результатов людей.")
    expect(reason.first).to_be_visible(timeout=PATIENCE)
    expect(again.locator(".bk-Figure canvas").first).to_be_attached(timeout=PATIENCE)
    assert again.evaluate(REPAINTED) == 0


def test_a_target_without_a_date_stands_beside_what_was_counted(session: Session):
    page = session.open(page="indicators", **_of("altai/2023"))
    expect(page.get_by_role("cell", name="≥ 5 %, без срока").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".bk-Figure canvas").first).to_be_attached(timeout=PATIENCE)
    assert page.evaluate(REPAINTED) == 0


# --- the same numbers as in the notebooks ---------------------------------------------------------


def _outputs(root: Path, key: str, notebook: str) -> list[str]:
    """What the cells of an executed notebook of the published run say in words."""
    run = staged(edition(*key.split("/"), root))
    cells = nbformat.read(run.notebooks[notebook], 4).cells
    shown = [out.data["text/plain"] for cell in cells for out in cell.get("outputs", ())
             if out.output_type == "execute_result"]  # fmt: skip
    return [out.replace("\\xa0", "\u00a0").replace("\\u202f", "\u202f") for out in shown]


def _rows(outputs: list[str], heading: str) -> list[list[str]]:
    """Cells of the one table with this heading, without the numbers of its rows."""
    (table,) = [out for out in outputs if heading in out.splitlines()[0]]
    return [re.split(r" {2,}", line.strip())[1:] for line in table.splitlines()[1:]]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@pytest.mark.parametrize("key", ["altai/2023", "khakassia/2023", "kostroma/2022"])
def test_the_app_shows_the_numbers_of_the_notebooks(
    session: Session, published_root: Path, key: str
):
    outputs = _outputs(published_root, key, "02_diagnostics")
    page = session.open(page="diagnostics", **_of(key))
    page.get_by_role("button", name="Таблица").nth(1).click()
    expect(page.get_by_role("columnheader", name="Компетенция")).to_be_visible(timeout=PATIENCE)
    domains = _rows(outputs, "Доля уровня")
    levels = _rows(outputs, "Результат, % максимума")
    assert len(domains) >= 3 and len(levels) >= 2
    for name, *numbers in domains:
        row = page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))
        expect(row.first).to_contain_text("".join(numbers[:3]))
    for label, bounds, *_, share, interval, n, _note in levels:
        row = page.get_by_role("row", name=_capital(label))
        expect(row.first).to_contain_text("".join([bounds, share, interval, n]))


@pytest.mark.parametrize("key", ["altai/2023", "khakassia/2023", "kostroma/2022"])
def test_the_app_shows_the_plan_of_the_notebooks(session: Session, published_root: Path, key: str):
    (told,) = [out for out in _outputs(published_root, key, "04_seminar_groups")
               if out.startswith(("'Составлено", "'План групп не составлен"))]  # fmt: skip
    page = session.open(page="groups", **_of(key))
    if made := re.search(r"Составлено: (\d+)\u00a0груп\w+,(?: [^,\d]+,)? (\S+\u00a0чел\.)", told):
        tiles = page.locator(".tile .value")
        expect(tiles.nth(0)).to_have_text(made[1], timeout=PATIENCE)
        expect(tiles.nth(1)).to_have_text(made[2])
    else:
        expect(page.get_by_text(told.strip("'")).first).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("key", ["altai/2023", "khakassia/2023", "kostroma/2022"])
def test_the_app_shows_the_indicators_of_the_notebooks(
    session: Session, published_root: Path, key: str
):
    outputs = _outputs(published_root, key, "07_indicators")
    expected = [
        [*row[3:5], row[5].replace("нет данных", "—"), *row[6:9]]
        for row in _rows(outputs, "Основание")
    ]
    page = session.open(page="indicators", **_of(key))
    rows = page.locator("table.wide tbody tr")
    expect(rows).to_have_count(len(expected), timeout=PATIENCE)
    cells = rows.evaluate_all("all => all.map(row => [...row.cells].map(c => c.textContent))")
    shown = [[*row[2:7], row[7].split(" ", 1)[1]] for row in cells]
    assert shown == expected

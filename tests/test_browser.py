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
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

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
]
HEADINGS = {
    "overview": "Республика Хакасия, 2023 год",
    "diagnostics": "Диагностика",
    "groups": "Группы со схожими дефицитами",
    "indicators": "Показатели",
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
    """A browser context that lets nothing out, and remembers what tried and what went wrong."""

    def __init__(self, context: BrowserContext, address: str):
        self.context, self.address = context, address
        self.outside: list[str] = []
        self.errors: list[str] = []
        context.route("**/*", self._gate)

    def _gate(self, route: Route) -> None:
        if urlparse(route.request.url).hostname in ("127.0.0.1", None):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def open(self, **query: str) -> Page:
        page = self.context.new_page()
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        search = "&".join(f"{name}={value}" for name, value in query.items())
        page.goto(f"{self.address}?{search}", timeout=PATIENCE)
        page.wait_for_function(READY, timeout=PATIENCE)
        return page

    def _listen(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@pytest.fixture
def session(browser: Browser, address: str) -> Iterator[Session]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU")
    opened = Session(context, address)
    yield opened
    context.close()
    assert opened.outside == [], "a request left this machine"
    assert opened.errors == [], "the console has errors"


def _search(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("listbox").get_by_text(option, exact=True).click()


@pytest.mark.parametrize("name", HEADINGS)
def test_a_page_draws(session: Session, name: str):
    page = session.open(page=name)
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[name], timeout=PATIENCE)
    expect(page.get_by_text("Демонстрационные данные: не сведения о регионе")).to_be_visible()
    expect(page.locator(".bk-Figure canvas").first).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("document.documentElement.lang") == "ru"


def test_another_period_changes_the_numbers_and_the_address(session: Session):
    page = session.open()
    tile = page.locator(".tile .value").first
    expect(tile).to_have_text("1\u202f200\u00a0чел.", timeout=PATIENCE)
    _choose(page, "Период", "2022 год")
    expect(tile).to_have_text("1\u202f000\u00a0чел.", timeout=PATIENCE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Республика Хакасия, 2022 год")
    assert _search(page) == {"region": ["khakassia"], "period": ["2022"], "page": ["overview"]}


def test_a_link_opens_the_same_view(session: Session):
    page = session.open()
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
    page = session.open(page="diagnostics")
    card = page.locator(".bk-Figure").nth(2)
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


def _outputs(root: Path, notebook: str) -> str:
    """Everything an executed notebook of the published run says in words."""
    run = staged(edition("khakassia", "2023", root))
    cells = nbformat.read(run.notebooks[notebook], 4).cells
    shown = [out.data["text/plain"] for cell in cells for out in cell.get("outputs", ())
             if out.output_type == "execute_result"]  # fmt: skip
    return "\n".join(shown).replace("\\xa0", "\u00a0").replace("\\u202f", "\u202f")


def test_the_app_shows_the_numbers_of_the_notebooks(session: Session, published_root: Path):
    diagnostics = _outputs(published_root, "02_diagnostics")
    rows = {
        name: re.search(rf"{name}\s+(\d+,\d\u00a0%)\s+(\d+,\d–\d+,\d\u00a0%)", part).groups()
        for part in [diagnostics[diagnostics.index("С результатом ≤ порога") :]]
        for name in ("Весь тест", "Предметные", "Методические", "Воспитание", "ИКТ")
    }
    page = session.open(page="diagnostics", region="khakassia", period="2023")
    page.get_by_role("button", name="Таблица").nth(1).click()
    for name, (share, bounds) in rows.items():
        row = page.get_by_role("row").filter(has_text=name).filter(has_text=bounds)
        expect(row.first).to_contain_text(share, timeout=PATIENCE)

    council = _outputs(published_root, "08_council")
    said = re.search(r"Составлено: (\d+)\u00a0груп\w+, (\S+\u00a0чел\.)", council)
    page = session.open(page="groups", region="khakassia", period="2023")
    tiles = page.locator(".tile .value")
    expect(tiles.nth(0)).to_have_text(said[1], timeout=PATIENCE)
    expect(tiles.nth(1)).to_have_text(said[2])

    indicators = _outputs(published_root, "07_indicators")
    variants = r"116 = (99,3\u00a0чел).* 95 = (121,2\u00a0чел).*опубликовано (99\u00a0чел)"
    page = session.open(page="indicators", region="khakassia", period="2023")
    for number in re.search(variants, indicators).groups():
        expect(page.get_by_role("cell", name=number).first).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("name", HEADINGS)
def test_nothing_is_wider_than_a_projector_or_a_phone(session: Session, name: str):
    page = session.open(page=name)
    expect(page.locator(".bk-Figure canvas").first).to_be_attached(timeout=PATIENCE)
    for width, height in ((1024, 768), (375, 812)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(f"innerWidth === {width} && {READY}", timeout=PATIENCE)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        parts = page.locator(".tile, h1, h2, p")
        edges = parts.evaluate_all("found => found.map(e => e.getBoundingClientRect().right)")
        assert max(edges) <= width

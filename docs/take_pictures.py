"""Take the pictures of the README from the running product: `make pictures`."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlparse

import nbconvert
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from nmc_utils.editions import data_root
from nmc_utils.results import results_folder

CHECKOUT = Path(__file__).resolve().parents[1]
PICTURES = CHECKOUT / "docs" / "pictures"
LARGEST = 400_000  #: bytes of a picture
PATIENCE = 60  #: seconds that the server may take to start, and a page to draw
#: Picture → what the address of the app carries.
PAGES = {
    "overview": {"region": "khakassia", "period": "2023", "page": "overview"},
    "diagnostics": {"region": "kostroma", "period": "2022", "page": "diagnostics"},
}
NOTEBOOK = ("khakassia/2023", "02_diagnostics")
NOTEBOOK_FROM = "Низший уровень по компетенциям"  #: heading at which the picture starts
IDLE = "window.Bokeh && Bokeh.index.roots[0] && Bokeh.index.roots[0].is_idle"


@contextmanager
def served() -> Iterator[str]:
    """Serve the app on a free loopback port while the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nmc_utils.cli", "dashboard", f"--port={port}"]
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(command, cwd=CHECKOUT, stdout=said, stderr=said)
        try:
            address = f"http://127.0.0.1:{port}/app"
            if not _answers(address, server):
                said.seek(0)
                raise SystemExit(f"the app does not answer:\n{said.read().decode()[-2000:]}")
            yield address
        finally:
            _end(server)


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=PATIENCE).close()
            return True
        except OSError:
            time.sleep(0.3)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)


def opened(browser: Browser, *, width: int, height: int) -> Page:
    """Open an empty page that asks nothing of other machines."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="ru-RU")
    page.set_default_timeout(PATIENCE * 1000)
    page.route("**/*", _stay_here)
    return page


def _stay_here(route: Any) -> None:
    is_here = urlparse(route.request.url).hostname in ("127.0.0.1", None)
    route.continue_() if is_here else route.abort()


def picture_of_app(browser: Browser, address: str, choice: dict[str, str]) -> bytes:
    """Picture the upper part of a page of the app once its charts stand."""
    page = opened(browser, width=1280, height=900)
    page.goto(f"{address}?{urlencode(choice)}")
    page.wait_for_function(IDLE)
    trouble = page.locator(".notice").first  # how the app tells what is wrong
    page.locator(".bk-Figure canvas").first.or_(trouble).first.wait_for(state="attached")
    page.wait_for_timeout(2500)  # charts fade in after the document is idle
    if trouble.count():
        raise SystemExit(f"{choice}: {trouble.inner_text()}")
    picture = page.screenshot(timeout=PATIENCE * 1000)
    page.close()
    return picture


def picture_of_notebook(browser: Browser, edition: str, notebook: str) -> bytes:
    """Picture a part of a published notebook, from the heading that it is to start at."""
    home = results_folder(data_root())
    run = json.loads((home / "current.json").read_text("utf-8"))[edition]
    source = home / run / edition / "notebooks" / f"{notebook}.ipynb"
    exporter = nbconvert.HTMLExporter(mathjax_url="", require_js_url="")
    page = opened(browser, width=1000, height=1050)
    page.set_content(exporter.from_filename(str(source))[0])
    heading = page.locator("h2").filter(has_text=NOTEBOOK_FROM).first
    heading.wait_for()
    heading.evaluate("e => { e.style.scrollMarginTop = '24px'; e.scrollIntoView() }")
    page.wait_for_timeout(500)
    picture = page.screenshot(timeout=PATIENCE * 1000)
    page.close()
    return picture


def save(name: str, picture: bytes) -> None:
    """Save a picture in a palette: screenshots of charts need few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (128, 64, 32):
        saved = io.BytesIO()
        small = image.quantize(colours, dither=Image.Dither.NONE)
        small.save(saved, "PNG", optimize=True)
        if saved.tell() <= LARGEST:
            (PICTURES / f"{name}.png").write_bytes(saved.getvalue())
            return
    raise SystemExit(f"{name}: more than {LARGEST} bytes even in 32 colours; show less")


def _chromium() -> str:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("Chromium not found; name it in the variable CHROMIUM")
    return found


def main() -> None:
    """Take every picture; none is replaced unless all could be taken."""
    PICTURES.mkdir(exist_ok=True)
    arguments = ["--no-sandbox", "--disable-gpu"]
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=arguments)
        taken = {name: picture_of_app(browser, address, choice) for name, choice in PAGES.items()}
        taken["notebook"] = picture_of_notebook(browser, *NOTEBOOK)
        browser.close()
    for name, picture in taken.items():
        save(name, picture)


if __name__ == "__main__":
    main()

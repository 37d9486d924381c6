"""Take the pictures of the README from the running product: `make pictures`."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import nbconvert
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from nmc_utils.editions import data_root
from nmc_utils.results import results_folder

CHECKOUT = Path(__file__).resolve().parents[1]
PICTURES = CHECKOUT / "docs" / "pictures"
EDITION = "khakassia/2023"
OVERVIEW = "app?region=khakassia&period=2023&page=overview"


@contextmanager
def served() -> Iterator[str]:
    """Serve the app on a free loopback port while the block runs."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nmc_utils.cli", "dashboard", f"--port={port}"]
    server = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        _wait(address)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def _wait(address: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def take(browser: Browser, address: str, name: str, *, width: int, height: int, top: int = 0):
    """Save a picture of a page, in a palette: screenshots of charts need few colours."""
    page = browser.new_page(viewport={"width": width, "height": height + top})
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2500)
    clip = {"x": 0, "y": top, "width": width, "height": height}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)
    page.close()


def notebook_page(folder: Path) -> str:
    """Write the published notebook on diagnostics as one HTML page; return its address."""
    run = json.loads((results_folder(data_root()) / "current.json").read_text("utf-8"))[EDITION]
    source = results_folder(data_root()) / run / EDITION / "notebooks" / "02_diagnostics.ipynb"
    exporter = nbconvert.HTMLExporter(mathjax_url="", require_js_url="")
    page = folder / "notebook.html"
    page.write_text(exporter.from_filename(str(source))[0], "utf-8")
    return page.as_uri()


def main() -> None:
    """Take every picture."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    chromium = next(path for name in names if name and (path := shutil.which(name)))
    PICTURES.mkdir(exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        take(browser, address + OVERVIEW, "overview.png", width=1280, height=900)
        page = notebook_page(PICTURES)
        take(browser, page, "notebook.png", width=1000, height=1050, top=2550)
        (PICTURES / "notebook.html").unlink()
        browser.close()


if __name__ == "__main__":
    main()

"""A page in a real browser, which is Chromium where it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
# Pixels that are reached by scrolling sideways.
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Cells whose text goes on beyond their own end or that of the page, and figures on two lines.
TORN = """
[...document.querySelectorAll('main :is(th, td)')].filter((cell) => {
  const spans = [...cell.querySelectorAll('span')];
  const end = document.documentElement.clientWidth + 1;
  return cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > end
    || spans.some((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
    || (cell.matches('.figure') && spans.some((one) => one.getClientRects().length > 1));
}).map((cell) => cell.textContent.trim())
"""
# Tables that are wider than there is room for.
CUT = """
[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => one.getAttribute('aria-label'))
"""
needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("playwright") is None,
    reason=f"no {CHROMIUM} or no playwright",
)


@contextmanager
def launched() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened_page(browser: "Browser", file: Path, **options: Any) -> "Page":
    """The page with all of its plots drawn, without a complaint or a request."""
    page = browser.new_page(**options)
    page.set_default_timeout(10_000)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert said == []
    assert asked == [file.as_uri()]
    return page


def grave_violations(page: "Page") -> list[tuple[str, str]]:
    """What axe finds that keeps anybody out."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"]) for one in grave]

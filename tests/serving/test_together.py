"""The list of runs in a browser, and the pages of runs that were ticked in it."""

import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from fake_records import B, played
from sites import Site, start

from compare.archive.brief import CellFigures
from compare.records.values import Estimate
from compare.serving.lines import fastest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("playwright") is None,
    reason=f"no {CHROMIUM} or no playwright",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three runs of one experiment, and one of another."""
    root = tmp_path_factory.mktemp("together")
    folder = root / "results"
    played(folder / "old run", 1, "1.0", 1.0)
    played(folder / "deep" / "new", 2, "2.0", 1.5)
    played(folder / "beside", 3, "1.0", 1.0, cell=B)
    played(folder / "other", 4, "1.0", 1.0, fingerprint="0" * 64)
    played(root / "outside", 1, "7.7.7", 1.0)
    process, port = start(folder)
    yield Site(folder, port)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


def together(*runs: str, how: str) -> str:
    return "/together/?" + "&".join([*(f"run={quote(run, safe='')}" for run in runs), f"as={how}"])


def test_two_ticked_runs_have_a_diff_the_earlier_one_as_the_base(site: Site) -> None:
    for runs in (("deep/new", "old run"), ("old run", "deep/new")):
        status, _, page = site.ask(together(*runs, how="diff"))
        assert status == 200
        assert "<li>base: old run</li><li>new: deep/new</li>" in page
        assert "regression: a:m is slower: a step takes 50.0% longer" in page
        assert "<td>100 ±4.2%</td><td>67 ±4.2%</td>" in page


def test_ticked_runs_of_one_experiment_are_one_report(site: Site) -> None:
    status, _, page = site.ask(together("old run", "beside", how="report"))
    assert status == 200
    assert "a:m" in page
    assert "b:m" in page
    assert "played at different times" in page


def test_ticked_runs_of_several_are_a_table_that_leads_to_their_pages(site: Site) -> None:
    status, _, page = site.ask(together("old run", "other", how="report"))
    assert status == 200
    assert "2 experiments, 1 backends" in page or "2 experiments, 1 backend" in page
    for address in ("/runs/old%20run/", "/runs/other/"):
        assert f'href="{address}"' in page
        assert site.ask(address)[0] == 200


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (together("old run", how="diff"), "a diff is of two runs"),
        (together("old run", how="report"), "one report is of 2 to 50 runs"),
        (together("old run", "nowhere", how="diff"), "is not there"),
        (together("old run", "../outside", how="diff"), "is not there"),
        (together("old run", "%2e%2e/outside", how="report"), "is not there"),
        (together("old run", "/etc", how="report"), "is not there"),
        ("/together/", "one report is of 2 to 50 runs"),
        ("/together/?" + "&".join(["run=old%20run"] * 200), "cannot be shown"),
    ],
)
def test_what_cannot_be_shown_together_is_told(site: Site, target: str, told: str) -> None:
    status, _, page = site.ask(target)
    assert status in (422, 500)
    assert told in page
    assert "7.7.7" not in page
    assert "Traceback" not in page


@pytest.fixture(scope="module")
def page(site: Site) -> Iterator["Page"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        yield opened
        browser.close()
    assert said == []


def shown(page: "Page") -> list[str]:
    return page.locator("tbody tr:visible th").all_inner_texts()


@needs_browser
def test_the_list_is_sorted_and_filtered(site: Site, page: "Page") -> None:
    page.goto(f"http://127.0.0.1:{site.port}/")
    assert shown(page) == ["other", "beside", "deep/new", "old run"]
    head = page.locator("thead th", has=page.get_by_role("button", name="run", exact=True))
    for direction, first in (("ascending", "beside"), ("descending", "other")):
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction
        assert shown(page)[0] == first
    page.get_by_label("Only runs with").fill("A:M new")
    assert shown(page) == ["deep/new"]
    assert page.get_by_role("status").inner_text() == "1 of 4 runs, 0 ticked"


@needs_browser
def test_two_ticks_lead_to_the_diff_and_the_report(site: Site, page: "Page") -> None:
    page.goto(f"http://127.0.0.1:{site.port}/")
    diff = page.get_by_role("button", name="Diff of two ticked")
    report = page.get_by_role("button", name="One report of those ticked")
    assert diff.is_disabled()
    for run in ("old run", "deep/new"):
        page.get_by_label(f"Tick {run}").check()
    assert report.is_enabled()
    diff.click()
    assert page.get_by_role("heading").first.inner_text() == "old run and deep/new"
    page.get_by_role("link", name="all runs").click()
    for run in ("old run", "deep/new", "other"):
        page.get_by_label(f"Tick {run}").check()
    assert diff.is_disabled()
    report.click()
    assert page.get_by_role("heading").first.inner_text().startswith("2 experiments")


@needs_browser
def test_news_keep_what_was_ticked_filtered_and_sorted(site: Site, page: "Page") -> None:
    page.goto(f"http://127.0.0.1:{site.port}/")
    page.get_by_role("button", name="run", exact=True).click()
    page.get_by_label("Only runs with").fill("a:m")
    page.get_by_label("Tick old run").check()
    played(site.folder / "a newer one", 5, "1.0", 1.0)
    page.get_by_role("link", name="a newer one").wait_for(timeout=20_000)
    assert shown(page) == ["a newer one", "deep/new", "old run", "other"]
    assert page.get_by_label("Tick old run").is_checked()
    assert page.get_by_role("status").inner_text() == "4 of 5 runs, 1 ticked"


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_and_the_diff_stand_in_nobody_s_way(
    site: Site, page: "Page", scheme: "str"
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for target in ("/", together("old run", "deep/new", how="diff")):
        page.goto(f"http://127.0.0.1:{site.port}{target}")
        assert page.locator("main").count() == 1
        found = Axe().run(page).response["violations"]
        grave = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"]) for one in grave] == []


@needs_browser
def test_on_a_phone_every_figure_of_a_run_is_in_sight(page: "Page", site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"http://127.0.0.1:{site.port}/")
    rate = page.locator("tr", has_text="old run").get_by_text("a:m, 100 (96–104) tokens/s")
    box = rate.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= 390
    assert page.evaluate("document.querySelector('.scroll').scrollWidth") <= 390


def test_no_run_that_cannot_be_judged_has_a_fastest(tmp_path: Path) -> None:
    rate = Estimate(value=100.0, low=98.0, high=103.0)
    sure = CellFigures(backend="a", mode="m", status="ok", versions={}, tokens_per_second=rate)
    assert fastest([sure]) == "a:m, 100 (98–103) tokens/s"
    assert fastest([sure, sure.model_copy(update={"doubt": "others"})]) == "not judged"
    assert fastest([]) == ""

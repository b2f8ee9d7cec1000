"""The page: what it says, what it carries, and how it behaves in a real browser."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from compare.report.csv import report as csv_report
from compare.report.html import report
from compare.report.html.curves import MOST_POINTS, Curves, thinned
from conftest import ROOT

from compare.archive.history import History, HistoryRow, in_series
from compare.archive.scaling import SweepSummary, SweptPoint, scalings
from compare.findings.note import Note
from compare.findings.summary import Summary, summarise
from compare.records.run_folder import RunFolder
from compare.records.values import Estimate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("html")  # one browser

CHROMIUM = Path("/usr/bin/chromium")
# Pixels that are reached by scrolling sideways.
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("playwright") is None,
    reason=f"no {CHROMIUM} or no playwright",
)
PLOTS = ["throughput", "windows", "memory", "phases", "loss", "parity"]
UGLY = '</script><script>window.hurt = 1</script> "it\'s" \n<b>&amp;\u2028 é'
LINES = "#plot-{} svg .mark-line path[stroke^='var(--series']"
MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def summary() -> Summary:
    """Of a run that took place: four backends, of which one left the parity gate."""
    return summarise(RunFolder(ROOT / "results" / "reference" / "translation-captions").records())


@pytest.fixture(scope="module")
def ugly(summary: Summary) -> Summary:
    """The same with text that would be code wherever it is not escaped."""
    first, *others = summary.cells
    changes = {"backend": UGLY, "reason": UGLY, "log_tail": UGLY, "status": "failed"}
    return summary.model_copy(
        update={
            "cells": [first.model_copy(update=changes), *others],
            "notes": [Note(grade="breaks", text=UGLY)],
            "command": ["compare", UGLY],
        }
    )


class Parsed(HTMLParser):
    """Elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str | None, str] = {}
        self.text = ""
        self._within: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._within = None

    def handle_data(self, data: str) -> None:
        if self._within is None:
            self.text += data
        elif self._within == "script":
            self.data[self.elements[-1][1].get("id")] = data

    def json(self, name: str) -> Any:
        return json.loads(self.data[name])

    def names(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def parsed(summary: Summary) -> Parsed:
    return Parsed(report.render(summary))


def test_the_page_loads_nothing(parsed: Parsed, summary: Summary) -> None:
    for tag, attributes in parsed.elements:
        assert "src" not in attributes, tag
        assert tag == "a" or "href" not in attributes, tag
    style = report.render(summary).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    policy = parsed.names("meta")[3]["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")


def test_every_plot_is_there_and_told_in_words(parsed: Parsed, summary: Summary) -> None:
    assert list(parsed.json("figures")) == PLOTS
    told = [d["aria-label"] or "" for d in parsed.names("div") if d.get("role") == "img"]
    assert len(told) == len(PLOTS)
    for cell in summary.cells:
        if cell.status == "ok":
            assert all(cell.label in text for text in told)
    assert "No model can beat" not in parsed.text  # its floor is not known


def test_the_answers_stand_in_their_order(parsed: Parsed) -> None:
    answers = [
        "keras:tensorflow is 1.36 (1.30–1.41) times as fast as jax:jit",
        "torch:eager parity_failed: at step 94 the loss is 1.1e-05 away",
        "69 paired windows, every pair to 4.1%",
        "Each comparison is of 69 pairs of windows",
        "windows far off the others",
        "By the spec it holds ",
        "Not all: torch:eager left the others",
        "compare --json --out",
        "AMD EPYC, 2 CPUs",
    ]
    places = [parsed.text.find(answer) for answer in answers]
    assert -1 not in places
    assert places == sorted(places)


def test_text_from_outside_stays_text(parsed: Parsed, ugly: Summary) -> None:
    found = Parsed(report.render(ugly))
    assert len(found.names("script")) == len(parsed.names("script"))
    assert found.text.count(UGLY) >= 4  # in the table, as a reason, a note and a log
    assert UGLY in found.json("figures")["loss"]["params"][1]["value"]["s0"]
    assert not found.names("b")


def test_the_raw_data_is_exact(parsed: Parsed, summary: Summary) -> None:
    files = parsed.json("downloads")
    assert files["summary.csv"] == csv_report.render(summary)
    losses = pd.read_csv(io.StringIO(files["losses.csv"]))
    windows = pd.read_csv(io.StringIO(files["windows.csv"]))
    for cell in summary.cells:
        assert np.array_equal(np.float32(losses[cell.label]), np.float32(cell.losses))
        mine = windows[windows["backend"] == cell.label]["step_seconds"]
        assert mine.tolist() == cell.window_step_seconds
    assert losses["step"].tolist() == list(range(len(summary.cells[0].losses)))


def test_labels_of_the_raw_data_may_be_ugly(ugly: Summary) -> None:
    losses = Parsed(report.render(ugly)).json("downloads")["losses.csv"]
    assert f"{ugly.cells[0].label} difference" in pd.read_csv(io.StringIO(losses)).columns


def test_a_large_run_stays_small_and_says_what_it_leaves_out(summary: Summary) -> None:
    steps, cells = 20_000, 20
    random = np.random.Generator(np.random.Philox(1))
    losses = np.float32(random.normal(2, 0.1, steps)).tolist()
    large = summary.cells[0].model_copy(
        update={"losses": losses, "loss_differences": random.random(steps).tolist()}
    )
    rows = [large.model_copy(update={"mode": f"mode{i}"}) for i in range(cells)]
    page = report.render(summary.model_copy(update={"cells": rows}))
    assert len(page.encode()) < MOST_BYTES
    assert "losses.csv has every 6th step and the last one" in page
    assert "Each point is the mean of 67 steps" in page
    carried = pd.read_csv(io.StringIO(Parsed(page).json("downloads")["losses.csv"]))
    assert carried["step"].tolist() == [*range(0, steps, 6), steps - 1]


def test_thinned_curves_keep_what_stands_out() -> None:
    ys = np.ones((2, 10_000))
    ys[1, 7_777] = 9.0
    ys[0, :50] = np.nan
    means = thinned(Curves(["a", "b"], range(10_000), ys), "step")
    largest = thinned(Curves(["a", "b"], range(10_000), ys), "step", largest=True)
    assert means.high is not None
    assert len(means.xs) == means.ys.shape[1] <= MOST_POINTS
    assert means.xs[-1] == 9_999
    assert means.high.max() == np.nanmax(largest.ys) == 9.0
    assert np.isnan(means.ys[0, 0])
    assert means.ys[1, 0] == 1.0
    few = Curves(["a"], range(3), np.ones((1, 3)))
    assert thinned(few, "step") is few


def test_a_run_without_timings_has_a_page(summary: Summary) -> None:
    nothing = {"tokens_per_second": None, "window_step_seconds": [], "losses": [], "phases": {},
               "peak_memory_bytes": None, "loss_differences": [], "step_seconds": None,
               "status": "failed", "reason": "it died"}  # fmt: skip
    cells = [cell.model_copy(update=nothing) for cell in summary.cells]
    page = Parsed(report.render(summary.model_copy(update={"cells": cells, "comparisons": []})))
    assert "No two backends were timed together" in page.text
    assert "jax:jit failed: it died." in page.text
    assert page.json("figures") == {}


def test_plots_are_pictures(summary: Summary) -> None:
    pictures = report.plots(summary, "png")
    drawings = report.plots(summary, "svg")
    assert list(pictures) == list(drawings) == PLOTS
    for name in PLOTS:
        assert pictures[name].startswith(b"\x89PNG")
        assert b"keras:tensorflow" in drawings[name]
        assert b"var(--" not in drawings[name]


def swept(summary: Summary, axes: dict[str, list[Any]]) -> SweepSummary:
    """A sweep of which every point has the same figures, but for steps that take longer."""
    (field, values), = axes.items()  # fmt: skip
    points = []
    for value in values:
        cells = [
            cell.model_copy(update={"step_seconds": (cell.step_seconds or 1) * (1 + value)})
            for cell in summary.cells
        ]
        at = summary.model_copy(update={"cells": cells})
        points.append(SweptPoint(name=f"x={value}", values={field: value}, summary=at))
    return SweepSummary(
        run_id="swept", command=["compare"], axes=axes, points=points,
        scaling=scalings(axes, points),
    )  # fmt: skip


def test_a_sweep_has_a_curve_for_each_cost(summary: Summary) -> None:
    page = Parsed(report.render_sweep(swept(summary, {"train.batch": [4, 8, 16]})))
    figures = page.json("figures")
    assert list(figures) == ["rate-0", "ratio-0", "step-0", "memory-0", "loss-0"]
    rows = figures["step-0"]["data"]["values"]
    seconds = summary.cells[0].step_seconds
    assert seconds is not None
    assert [row["x"] for row in rows] == [4, 8, 16]
    assert rows[2]["s0"] == pytest.approx(17e3 * seconds, rel=1e-5)
    assert "grows with train.batch" in str(page.names("div"))


def test_a_large_sweep_stays_small_and_says_what_it_leaves_out(summary: Summary) -> None:
    page = report.render_sweep(swept(summary, {"train.seed": list(range(2500))}))
    assert len(page.encode()) < MOST_BYTES
    assert "2,300 more points are in summary.csv." in page
    assert "train.seed = 0, 1, … 2499 (2,500 values)" in page


@pytest.fixture(scope="module")
def history() -> History:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        HistoryRow(
            run=f"run{day}", started=began + timedelta(days=day), task="lm", preset="tiny",
            experiment="abc", machine="a machine", backend=UGLY, mode="m", status="ok",
            versions={"library": f"{day // 2}.0"}, step_seconds=0.1, peak_memory_bytes=10**8,
            validation_loss=2.0,
            tokens_per_second=Estimate(value=100.0 + day, low=99.0 + day, high=101.0 + day),
        )
        for day in range(4)
    ]  # fmt: skip
    return History(folder="results", rows=in_series(rows), unreadable=[UGLY])


def test_a_history_shows_upgrades(history: History) -> None:
    page = Parsed(report.render_history(history))
    assert re.search(r"library 0\.0 -> 1\.0, 1\.01 \(.*\) times as fast as before\.", page.text)
    assert list(page.json("figures")) == ["throughput-0"]
    carried = pd.read_csv(io.StringIO(page.json("downloads")["history.csv"]))
    assert carried["tokens_per_second"].tolist() == [103.0, 102.0, 101.0, 100.0]
    assert carried["backend"].tolist() == [UGLY] * 4


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(ugly: Summary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("html") / "report.html"
    path.write_text(report.render(ugly), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(browser: "Browser", file: Path) -> Iterator["Page"]:
    """The page as it is opened first, light; each test leaves it as it was."""
    opened = opened_page(browser, file)
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


def lines(page: "Page", plot: str) -> int:
    return page.locator(LINES.format(plot)).count()


def waited_for_lines(page: "Page", plot: str, count: int) -> None:
    page.wait_for_function(
        "([lines, count]) => document.querySelectorAll(lines).length === count",
        arg=[LINES.format(plot), count],
    )


@needs_browser
def test_every_plot_is_drawn(page: "Page") -> None:
    marks = {
        "throughput": ".mark-rect path", "windows": ".mark-line path",
        "memory": ".mark-symbol path", "phases": ".mark-rect path",
        "loss": ".mark-line path", "parity": ".mark-line path",
    }  # fmt: skip
    for plot in PLOTS:
        assert page.locator(f"#plot-{plot} svg {marks[plot]}").count() >= 4, plot
    assert page.evaluate("window.hurt") is None


@needs_browser
def test_a_series_is_hidden_in_all_plots_by_its_legend(page: "Page") -> None:
    before = lines(page, "loss"), lines(page, "windows")
    button = page.locator("#figure-loss [data-series='torch:eager']")
    button.click()
    waited_for_lines(page, "loss", before[0] - 1)
    waited_for_lines(page, "windows", before[1] - 1)
    other = page.locator("#figure-windows [data-series='torch:eager']")
    assert other.get_attribute("aria-pressed") == "false"
    other.press("Enter")
    waited_for_lines(page, "loss", before[0])


@needs_browser
def test_keys_zoom_and_move_a_plot(page: "Page") -> None:
    def ticks() -> list[str]:
        return sorted(page.locator("#plot-loss svg .role-axis-label text").all_text_contents())

    def changed(from_: list[str]) -> list[str]:
        for _ in range(100):
            if ticks() != from_:
                break
            page.wait_for_timeout(20)
        return ticks()

    whole = ticks()
    zoom_in = page.locator("[data-plot=loss] [data-zoom='0.5']")
    zoom_in.press("Enter")
    near = changed(whole)
    assert near != whole
    zoom_in.press("ArrowRight")
    assert changed(near) != near
    moved = ticks()
    page.locator("[data-plot=loss] [data-zoom='0']").press("Enter")
    assert changed(moved) == whole


@needs_browser
def test_hovering_tells_the_figures(page: "Page", ugly: Summary) -> None:
    page.locator("#plot-loss").scroll_into_view_if_needed()
    box = page.locator("#plot-loss svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    told = tooltip.inner_text()
    assert "torch:eager" in told
    step = int(re.findall(r"[\d,]+", told)[0].replace(",", ""))
    assert abs(step - len(ugly.cells[1].losses) / 2) < 50
    page.mouse.move(0, 0)


@needs_browser
def test_a_table_is_sorted_by_keyboard(page: "Page") -> None:
    table = page.locator("table").first
    column = table.locator("thead th").all_inner_texts().index("valid. loss")
    head = table.locator("thead th").nth(column)
    cells = table.locator(f"tbody tr > :nth-child({column + 1})")
    for direction in ("ascending", "descending"):
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction
        losses = [float(text) for text in cells.all_inner_texts() if text != "–"]
        assert losses == sorted(losses, reverse=direction == "descending")


@needs_browser
def test_the_raw_data_is_saved(page: "Page", ugly: Summary, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.locator("[data-file='summary.csv']").click()
    download.value.save_as(tmp_path / "summary.csv")
    assert (tmp_path / "summary.csv").read_text("utf-8") == csv_report.render(ugly)
    with page.expect_download() as download:
        page.locator("[data-picture=loss]").click()
    download.value.save_as(tmp_path / "loss.svg")
    assert "#0072b2" in (tmp_path / "loss.svg").read_text("utf-8")


@needs_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_anybody(browser: "Browser", file: Path, theme: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened_page(browser, file, color_scheme=theme)
    for unfold in page.locator("summary").all():
        unfold.click()
    found = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in grave] == []
    page.close()


@needs_browser
def test_the_dark_page_has_dark_plots_and_turns_light(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, color_scheme="dark")

    def colours() -> list[str]:
        return page.evaluate(
            "[[document.documentElement, 'backgroundColor'],"
            " [document.querySelector('#plot-loss .role-axis-label text'), 'fill']]"
            ".map(([element, name]) => getComputedStyle(element)[name])"
        )

    assert colours() == ["rgb(21, 23, 25)", "rgb(169, 173, 176)"]
    page.emulate_media(color_scheme="light")
    assert colours() == ["rgb(255, 255, 255)", "rgb(92, 92, 88)"]
    page.close()


@needs_browser
def test_a_phone_never_scrolls_sideways(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, viewport={"width": 390, "height": 800})
    assert page.evaluate(BEYOND) == 0
    table = page.locator(".scroll").first
    assert table.evaluate("element => element.scrollWidth > element.clientWidth")
    page.close()


@needs_browser
@pytest.mark.parametrize("kind", ["history", "sweep"])
def test_the_other_pages_do_as_the_run_s(
    browser: "Browser", kind: str, summary: Summary, history: History, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    sweep = swept(summary, {"train.batch": [4, 8, 16]})
    text = report.render_history(history) if kind == "history" else report.render_sweep(sweep)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = opened_page(browser, tmp_path / "page.html", viewport={"width": 390, "height": 800})
    plot = "throughput-0" if kind == "history" else "step-0"
    count = lines(page, plot)
    button = page.locator(f"#figure-{plot} [data-series]").first
    button.click()
    waited_for_lines(page, plot, count - 1)
    if kind == "history":
        assert "library 0.0 -> 1.0" in page.locator(f"#plot-{plot} svg").text_content()
    assert page.evaluate(BEYOND) == 0
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    page.close()

"""The page in Chromium: what is seen, hovered, pressed, printed and copied."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import html_pages
import pytest
from browser import BEYOND, CUT, TORN, grave_violations, launched, needs_browser, opened_page
from compare.report.csv import report as csv_report
from compare.report.html import report
from conftest import STORED
from html_pages import PLOTS, reference, swept

from compare.archive.interim import summary_so_far
from compare.findings.summary import Summary
from compare.records.record_types import Ended, Evaluated
from compare.records.run_folder import RunFolder
from compare.records.values import Example

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.xdist_group("html"), needs_browser]  # one browser

LINES = "#plot-{} svg .mark-line path[stroke^='var(--series']"


def written(summary: Summary, folder: Path, name: str = "report.html") -> Path:
    (folder / name).write_text(report.render(summary), encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def summary() -> Summary:
    """Of four backends, of which one left the parity gate, with samples of their outputs."""
    found = reference("translation-captions")
    texts = ["a small cat sat on the mat", "two dogs"]
    cells = [
        cell.model_copy(update={"samples": [texts[0], f"{cell.backend} dogs"]})
        for cell in found.cells
    ]
    examples = [Example(text=f"Eingabe {i}", wanted=text) for i, text in enumerate(texts)]
    return found.model_copy(update={"cells": cells, "examples": examples})


@pytest.fixture(scope="module")
def ugly(summary: Summary) -> Summary:
    return html_pages.ugly(summary)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def file(ugly: Summary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(ugly, tmp_path_factory.mktemp("html"))


@pytest.fixture(scope="module")
def page(browser: "Browser", file: Path) -> Iterator["Page"]:
    """The page as it is opened first, light; each test leaves it as it was."""
    opened = opened_page(browser, file)
    yield opened
    opened.close()


def lines(page: "Page", plot: str) -> int:
    return page.locator(LINES.format(plot)).count()


def waited_for_lines(page: "Page", plot: str, count: int) -> None:
    page.wait_for_function(
        "([lines, count]) => document.querySelectorAll(lines).length === count",
        arg=[LINES.format(plot), count],
    )


def ticks(page: "Page", plot: str) -> list[str]:
    return sorted(page.locator(f"#plot-{plot} svg .role-axis-label text").all_text_contents())


def changed_ticks(page: "Page", plot: str, before: list[str]) -> list[str]:
    for _ in range(100):
        if ticks(page, plot) != before:
            break
        page.wait_for_timeout(20)
    return ticks(page, plot)


def hovered(page: "Page", plot: str) -> str:
    """What is told in the middle of a plot."""
    page.locator(f"#plot-{plot}").scroll_into_view_if_needed()
    box = page.locator(f"#plot-{plot} svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    told = tooltip.inner_text()
    page.mouse.move(0, 0)
    return told


def test_every_plot_is_drawn(page: "Page") -> None:
    marks = {
        "throughput": ".mark-rect path", "windows": ".mark-line path",
        "memory": ".mark-rect path", "cold-start": ".mark-rect path",
        "loss": ".mark-line path", "parity": ".mark-line path",
    }  # fmt: skip
    for plot in PLOTS:
        assert page.locator(f"#plot-{plot} svg {marks[plot]}").count() >= 2, plot
    assert page.evaluate("window.hurt") is None


def test_a_series_is_hidden_in_all_plots_by_its_legend(page: "Page") -> None:
    before = lines(page, "parity"), lines(page, "windows")
    button = page.locator("#figure-parity [data-series='torch:eager']")
    button.click()
    waited_for_lines(page, "parity", before[0] - 1)
    waited_for_lines(page, "windows", before[1] - 1)
    other = page.locator("#figure-windows [data-series='torch:eager']")
    assert other.get_attribute("aria-pressed") == "false"
    other.press("Enter")
    waited_for_lines(page, "parity", before[0])


def test_keys_zoom_and_move_a_plot(page: "Page") -> None:
    whole = ticks(page, "loss")
    zoom_in = page.locator("[data-plot=loss] [data-zoom='0.5']")
    zoom_in.press("Enter")
    near = changed_ticks(page, "loss", whole)
    assert near != whole
    zoom_in.press("ArrowRight")
    moved = changed_ticks(page, "loss", near)
    assert moved != near
    page.locator("[data-plot=loss] [data-zoom='0']").press("Enter")
    assert changed_ticks(page, "loss", moved) == whole


def test_hovering_tells_the_figures(browser: "Browser", tmp_path: Path) -> None:
    found = reference("lm-small")
    page = opened_page(browser, written(found, tmp_path))
    told = hovered(page, "loss")
    step = int(re.findall(r"step\s+([\d,]+)", told)[0].replace(",", ""))
    assert abs(step - 50) < 5
    for cell in found.cells:
        assert re.search(rf"{cell.label}\s+{cell.losses[step]:.4f}", told), told
    told = hovered(page, "windows")
    number = int(re.findall(r"execution\s+(\d+)", told)[0])
    times = {cell.label: cell.window_step_seconds[number - 1] for cell in found.cells}
    for label in ("torch:eager", "tensorflow:xla", "keras:tensorflow"):
        assert re.search(rf"{label}\s+{times['jax:jit'] / times[label]:.3f}", told), told
    assert re.search(r"torch:eager\s+\d\.\de-\d", hovered(page, "parity"))
    page.locator("#plot-memory .mark-rect path").first.hover()
    assert "192 MB" in page.locator("#vg-tooltip-element.visible").inner_text()
    page.close()


def test_what_is_missing_or_hidden_is_not_told(page: "Page", ugly: Summary) -> None:
    page.locator("#figure-parity [data-series='torch:eager']").click()
    told = hovered(page, "loss")
    page.locator("#figure-parity [data-series='torch:eager']").click()
    assert "keras:tensorflow" in told
    for text in ("torch:eager", "NaN", "undefined"):
        assert text not in told


def test_a_table_is_sorted_by_keyboard(page: "Page") -> None:
    table = page.locator("#same table").first
    column = table.locator("thead th").all_inner_texts().index("valid. loss")
    head = table.locator("thead th").nth(column)
    cells = table.locator(f"tbody tr > :nth-child({column + 1})")
    for direction in ("ascending", "descending"):
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction
        losses = [float(text) for text in cells.all_inner_texts() if text != "–"]
        assert losses == sorted(losses, reverse=direction == "descending")


def test_the_raw_data_is_saved(page: "Page", ugly: Summary, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.locator("[data-file='summary.csv']").click()
    download.value.save_as(tmp_path / "summary.csv")
    assert (tmp_path / "summary.csv").read_text("utf-8") == csv_report.render(ugly)
    with page.expect_download() as download:
        page.locator("[data-picture=parity]").click()
    download.value.save_as(tmp_path / "parity.svg")
    assert "#d55e00" in (tmp_path / "parity.svg").read_text("utf-8")


def test_the_command_is_copied(browser: "Browser", tmp_path: Path) -> None:
    file = written(reference("lm-small"), tmp_path)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator(".answers [data-copy]").click()
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "compare --task lm --precision 2% --budget 10m"
    context.close()


@pytest.mark.parametrize("name", ["lm-small", "translation-captions", "sentiment-reviews"])
@pytest.mark.parametrize("width", [1280, 1920])
def test_the_first_screen_answers_and_no_column_is_hidden(
    browser: "Browser", name: str, width: int, tmp_path: Path
) -> None:
    size = {"width": width, "height": 800}
    page = opened_page(browser, written(reference(name), tmp_path), viewport=size)
    assert page.locator(".answers dt").count() == 5
    assert page.locator(".answers").evaluate("one => one.getBoundingClientRect().bottom") <= 500
    assert page.evaluate(CUT) == []
    assert page.evaluate(TORN) == []
    assert page.evaluate(BEYOND) == 0
    page.close()


def test_a_table_that_is_wider_than_the_window_says_so_and_keeps_its_headings(
    browser: "Browser", summary: Summary, tmp_path: Path
) -> None:
    sweep = swept(summary, {"train.seed": list(range(40))})
    (tmp_path / "sweep.html").write_text(report.render_sweep(sweep), encoding="utf-8")
    size = {"width": 700, "height": 600}
    page = opened_page(browser, tmp_path / "sweep.html", viewport=size)
    region = page.get_by_role("region", name="Results")
    assert "more columns" in region.evaluate("one => getComputedStyle(one, '::before').content")
    head, cell = region.locator("thead th").last, region.locator("tbody tr").last.locator("td").last
    region.evaluate("one => one.scrollTo(one.scrollWidth, one.scrollHeight)")
    seen, above, below = region.bounding_box(), head.bounding_box(), cell.bounding_box()
    assert seen is not None
    assert above is not None
    assert below is not None
    assert above["y"] == pytest.approx(seen["y"], abs=2)
    assert above["x"] + above["width"] == pytest.approx(below["x"] + below["width"], abs=1)
    assert below["y"] > above["y"] + above["height"]
    page.set_viewport_size({"width": 1920, "height": 600})  # where no column is beyond the window
    assert page.evaluate(CUT) == []
    region.locator("tbody tr").last.scroll_into_view_if_needed()
    above = head.bounding_box()
    assert above is not None
    assert above["y"] == pytest.approx(0, abs=1)
    page.close()


def test_a_phone_has_cards_and_never_scrolls_sideways(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, viewport={"width": 390, "height": 800})
    assert page.evaluate(BEYOND) == 0
    assert page.evaluate(CUT) == []
    title = page.locator("#speed td[data-title='tokens/s']").first
    assert title.evaluate("one => getComputedStyle(one, '::before').content") == '"tokens/s"'
    page.close()


def many(count: int) -> Summary:
    """A run of so many backends, every pair of which was compared."""
    found = reference("lm-small")
    one = found.comparisons[0]
    labels = [f"backend{i}:mode" for i in range(count)]
    cells = [
        found.cells[0].model_copy(update={"backend": f"backend{i}", "mode": "mode"})
        for i in range(count)
    ]
    comparisons = [
        one.model_copy(update={"first": first, "second": second})
        for first, second in combinations(labels, 2)
    ]
    return found.model_copy(update={"cells": cells, "comparisons": comparisons})


@pytest.mark.parametrize("name", ["lm-small", "sentiment-reviews", "20 backends"])
def test_on_paper_no_cell_is_clipped(browser: "Browser", name: str, tmp_path: Path) -> None:
    wide = name == "20 backends"
    page = opened_page(browser, written(many(20) if wide else reference(name), tmp_path))
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert boxes
    assert not wide or float(boxes[0][0]) > float(boxes[0][1])  # landscape
    inches = float(boxes[0][0]) / 72 - 2 * 1.2 / 2.54  # without the margins
    page.emulate_media(media="print")
    page.set_viewport_size({"width": int(96 * inches), "height": 700})
    assert page.evaluate(TORN) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate(BEYOND) == 0
    assert not page.locator(".zoom").first.is_visible()
    page.close()


def test_without_javascript_the_plots_are_there(browser: "Browser", file: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(file.as_uri())
    for plot in PLOTS:
        box = page.locator(f"#plot-{plot} svg").bounding_box()
        assert box is not None, plot
        assert min(box["width"], box["height"]) > 80, plot
    assert page.locator("#plot-parity svg .mark-line path").count() >= 4
    assert not page.locator("[data-zoom]").first.is_visible()
    assert page.locator(".without-script").is_visible()
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_anybody(browser: "Browser", file: Path, theme: Any) -> None:
    page = opened_page(browser, file, color_scheme=theme)
    for unfold in page.locator("summary").all():
        unfold.click()
    assert grave_violations(page) == []
    page.close()


def test_the_dark_page_has_dark_plots_and_turns_light(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, color_scheme="dark")

    def colours() -> Any:
        return page.evaluate(
            "[[document.documentElement, 'backgroundColor'],"
            " [document.querySelector('#plot-loss .role-axis-label text'), 'fill']]"
            ".map(([element, name]) => getComputedStyle(element)[name])"
        )

    assert colours() == ["rgb(21, 23, 25)", "rgb(169, 173, 176)"]
    page.emulate_media(color_scheme="light")
    assert colours() == ["rgb(255, 255, 255)", "rgb(92, 92, 88)"]
    page.close()


def test_a_running_page_is_redrawn_in_place(browser: "Browser", tmp_path: Path) -> None:
    records = RunFolder(STORED / "lm-small").records()
    begun = [r for r in records if not isinstance(r, Ended | Evaluated)]
    now = datetime(2026, 11, 24, 13, 53, tzinfo=UTC)
    early, late = (summary_so_far(begun[:count], now) for count in (45, 100))
    page = opened_page(browser, written(early, tmp_path))
    running = page.locator(".running").inner_text()
    assert re.match(r"Running: step \d\d of 100, 3 min 20 s so far, 6 min 40 s of the", running)
    assert "interrupted" not in page.inner_text("main")
    assert page.locator(".bad, .warnings").count() == 0

    page.locator("#figure-parity [data-series='torch:eager']").click()
    page.locator("#speed .sort", has_text="step").click()
    page.locator("[data-plot=parity] [data-zoom='0.5']").click()
    count, zoomed = lines(page, "parity"), ticks(page, "parity")
    page.evaluate("window.stayed = true")
    text = json.dumps(report.render(late))
    page.evaluate(f"window.redraw(new DOMParser().parseFromString({text}, 'text/html'))")
    assert page.evaluate("window.stayed")
    assert "all 100 steps are trained" in page.locator(".running").inner_text()
    assert lines(page, "parity") == count
    hidden = page.locator("#figure-windows [data-series='torch:eager']")
    assert hidden.get_attribute("aria-pressed") == "false"
    sorted_by = page.locator("#speed th[aria-sort=ascending]")
    assert sorted_by.inner_text() == "step"
    assert ticks(page, "parity") == zoomed
    assert page.locator(".plot svg").count() == len(PLOTS)
    page.close()


@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (1280, "screen"), (1920, "screen"),
                                             (1032, "print")])  # fmt: skip
def test_a_sweep_shows_all_of_its_columns_and_figures(
    browser: "Browser", width: int, media: Any, tmp_path: Path
) -> None:
    sweep = swept(reference("lm-small"), {"train.batch": [4, 8, 16, 32]})
    (tmp_path / "sweep.html").write_text(report.render_sweep(sweep), encoding="utf-8")
    size = {"width": width, "height": 800}
    page = opened_page(browser, tmp_path / "sweep.html", viewport=size)
    page.emulate_media(media=media)
    said = page.inner_text(".verdicts >> text=not separated")
    assert re.match(r"not separated at train.batch 4, 8, 16.* 32: jax:jit and tensorflow:xla", said)
    assert page.evaluate(CUT) == []
    assert page.evaluate(TORN) == []
    assert page.evaluate(BEYOND) == 0
    for plot, figure in (("rate-0", "10,290"), ("ratio-0", "1.000")):
        assert page.locator(f"#plot-{plot} svg .mark-rule line[stroke^='var(--series']").count() > 8
        if media == "screen":
            assert re.search(rf"jax:jit\s+{figure}", hovered(page, plot))
    page.close()


def test_a_sweep_says_once_what_is_so_at_every_point(tmp_path: Path) -> None:
    sweep = swept(reference("lm-small"), {"train.batch": [4, 8, 16]})
    text = report.render_sweep(sweep)
    assert text.count("one round is too few") == 1
    assert "every point: note: one round is too few" in text


@pytest.mark.parametrize("kind", ["history", "sweep"])
def test_the_other_pages_do_as_the_run_s(
    browser: "Browser", kind: str, summary: Summary, tmp_path: Path
) -> None:
    sweep = swept(summary, {"train.batch": [4, 8, 16]})
    of_history = report.render_history(html_pages.history())
    text = of_history if kind == "history" else report.render_sweep(sweep)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = opened_page(browser, tmp_path / "page.html", viewport={"width": 390, "height": 800})
    plot = "throughput-0" if kind == "history" else "step-0"
    count = lines(page, plot)
    button = page.locator(f"#figure-{plot} [data-series]").first
    button.click()
    waited_for_lines(page, plot, count - 1)
    if kind == "history":
        assert "library 0.0 -> 1.0" in (page.locator(f"#plot-{plot} svg").text_content() or "")
    assert page.evaluate(BEYOND) == 0
    assert grave_violations(page) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    torn = (
        "all => all.filter((one) => one.getClientRects().length > 1).map((one) => one.textContent)"
    )
    assert page.locator(".figure span").evaluate_all(torn) == []
    page.close()

"""The page: what it says and what it carries."""

import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import html_pages
import numpy as np
import pandas as pd
import pytest
from compare.report.csv import report as csv_report
from compare.report.html import report
from compare.report.html.curves import MOST_POINTS, Curves, thinned
from compare.report.html.series import styles
from compare.report.html.tables import of_run
from fake_records import MACHINE, A, B, C, header, steady, whole
from html_pages import PLOTS, UGLY, reference, swept

from compare.archive.history import History
from compare.findings.note import Note
from compare.findings.summary import Summary, summarise
from compare.plugins import installed
from compare.records.record_types import AnyRecord, Evaluated, Header
from compare.records.values import CellName, Example

MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def summary() -> Summary:
    """Of a run that took place: four backends, of which one left the parity gate."""
    return reference("translation-captions")


@pytest.fixture(scope="module")
def ugly(summary: Summary) -> Summary:
    return html_pages.ugly(summary)


@pytest.fixture(scope="module")
def history() -> History:
    return html_pages.history()


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


def begun(*cells: CellName) -> Header:
    return header(*cells).model_copy(update={"machine": MACHINE})


def answers(page: str) -> dict[str, str]:
    """What the first screen says, by the section that it leads to."""
    found = re.findall(r'<dt><a href="#(\w+)">.*?</dt>\s*<dd.*?>(.*?)</dd>', page, re.DOTALL)
    return {section: re.sub(r"<button.*|<.*?>", "", text) for section, text in found}


def test_the_page_loads_nothing(parsed: Parsed, summary: Summary) -> None:
    for tag, attributes in parsed.elements:
        assert "src" not in attributes, tag
        assert (attributes.get("href") or "#").startswith("#"), tag
    style = report.render(summary).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    policy = parsed.names("meta")[3]["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")


def test_the_first_screen_answers_and_leads_on() -> None:
    page = report.render(reference("lm-small"))
    found = answers(page)
    assert list(found) == ["speed", "trust", "same", "memory", "repeat"]
    assert all(f'<section id="{section}">' in page for section in found)
    assert found["speed"].startswith(
        "jax:jit is not separated from keras:tensorflow and tensorflow:xla, and 8.9% (0.8–17.6%)"
        " faster than torch:eager"
    )
    assert found["trust"].startswith(
        "In part: 49 paired windows of one process each, every pair to 8%"
    )
    assert found["same"] == (
        "Yes: within 0.12 of what rounding allows, at every step. Validation loss 8.0296 on all."
    )
    assert found["memory"].startswith("torch:eager takes the least, 624 MB")
    assert "keras:tensorflow the most, 1.23 GB, 2.0 times" in found["memory"]
    assert found["repeat"] == "compare --task lm --precision 2% --budget 10m"
    for fact in (
        "24 November 2026, 13:49 UTC", "AMD EPYC, 2 CPUs", "device cpu", "2 threads each",
        "framework-compare 0.2.0", "jax 0.10.2", "torch 2.13.0+cpu",
    ):  # fmt: skip
        assert page.index(fact) < page.index("<dl class=")


def test_the_first_screen_says_what_went_wrong(summary: Summary) -> None:
    found = answers(report.render(summary))
    assert found["speed"].endswith("Left out: torch:eager (parity_failed).")
    assert found["same"].startswith("Not all: torch:eager left the others.")
    grave = summary.model_copy(update={"notes": [Note(grade="breaks", text="it was noisy")]})
    assert answers(report.render(grave))["trust"] == "No: it was noisy."


def test_what_is_not_separated_and_not_judged_is_said_so() -> None:
    def said(*paces: list[float], preset: str = "small") -> str:
        names = (A, B, C)[: len(paces)]
        records: list[AnyRecord] = [begun(*names).model_copy(update={"preset": preset})]
        for name, pace in zip(names, paces, strict=True):
            records += whole(name, steady(name, pace * 6))
        return answers(report.render(summarise(records)))["speed"]

    even, odd, slow = [1.0, 1.01], [1.01, 1.0], [3.0, 3.01]
    assert said(even, odd, slow) == (
        "a:m is not separated from b:m, and 2.99 (2.79–3.20) times as fast as c:m."
    )
    assert said(even) == "a:m was timed alone: there is nothing to compare it with."
    short = [0.01, 0.0101]
    assert said(short, short, preset="tiny").startswith("Not judged: windows of 10")


def test_every_plot_is_there_and_told_in_words(parsed: Parsed, summary: Summary) -> None:
    assert list(parsed.json("figures")) == PLOTS
    told = [d["aria-label"] or "" for d in parsed.names("div") if d.get("role") == "img"]
    assert len(told) == len(PLOTS)
    for cell in summary.cells:
        said = [cell.label in text for text in told]
        assert sum(said) >= (len(PLOTS) - 1 if cell.status == "ok" else 4)
    assert "floor of validation" not in parsed.text  # its floor is not known


def test_the_answers_stand_in_their_order(parsed: Parsed) -> None:
    found = [
        "keras:tensorflow is 1.36 (1.26–1.47) times as fast as jax:jit",
        "torch:eager parity_failed: at step 94 the loss is 1.1e-05 away",
        "All pairs: how many times as fast",
        "It stands on 69 paired windows of one process each, every pair to 8.2%",
        "Each comparison is of 69 pairs of windows",
        "windows far off the others",
        "Not all: torch:eager left the others, and is out of the ranking",
        "With the 700 steps of this run tensorflow:graph is done first",
        "By the spec it holds ",
        "pip install framework-compare jax==0.10.2",
        "compare --task translation --data captions",
        "AMD EPYC, 2 CPUs, ",
    ]
    below = parsed.text.partition("How do I repeat it?")[2].partition("Copy")[2]
    places = [below.find(answer) for answer in found]
    assert -1 not in places
    assert places == sorted(places)


def test_a_pair_is_in_the_matrix_both_ways() -> None:
    page = report.render(reference("lm-small"))
    matrix = page.split('<table class="cards pairs">')[1].split("</table>")[0]
    text = " ".join(re.sub(r"<.*?>", " ", matrix).split())
    assert "1.089 faster (1.008–1.176)" in text
    assert "torch:eager 0.918 slower (0.850–0.992)" in text


def test_the_loss_is_one_curve_where_all_coincide(parsed: Parsed) -> None:
    same = Parsed(report.render(reference("lm-small"))).json("figures")["loss"]
    assert [layer["name"] for layer in same["layer"] if "name" in layer] == ["together", "hover"]
    assert "all 4 coincide" in json.dumps(same)
    other = parsed.json("figures")["loss"]
    assert "3 of 4 coincide" in json.dumps(other)
    (lines,) = [layer for layer in other["layer"] if layer.get("name") == "lines"]
    (alone,) = lines["transform"][0]["fold"]
    assert other["params"][1]["value"][alone] == "torch:eager"


def test_scales_are_told(parsed: Parsed) -> None:
    text = json.dumps(parsed.json("figures"))
    assert "relative difference of the loss (log scale)" in text
    assert "nats per token (axis not from 0)" in text
    assert 'in the same window", "(axis not from 0)"]' in text  # two lines: a phone is narrow


def test_windows_are_held_against_the_fastest_in_the_same_window() -> None:
    slow = steady(B, [2.0, 2.002] * 6)
    slow[3] = slow[3].model_copy(update={"seconds": 8.0})
    slow[5] = slow[5].model_copy(update={"others_cpu_seconds": 1.0})
    fast = steady(A, [1.0 + 0.01 * (i % 2) for i in range(12)])
    summary = summarise([begun(), *whole(A, fast), *whole(B, slow)])
    figure = Parsed(report.render(summary)).json("figures")["windows"]
    assert [row["s0"] for row in figure["data"]["values"]][:4] == [
        0.5,
        pytest.approx(1.01 / 2.002, rel=1e-4),
        0.5,
        0.12625,
    ]
    marks = {layer["name"]: layer["data"]["values"] for layer in figure["layer"]
             if layer.get("name") in ("outlying", "contended")}  # fmt: skip
    assert marks["outlying"] == [{"series": "b:m", "x": 4, "y": 0.12625}]
    assert [row["x"] for row in marks["contended"]] == [6]


def test_who_is_done_first_is_told_up_to_where() -> None:
    text = Parsed(report.render(reference("lm-small"))).text
    assert "With the 100 steps of this run torch:eager is done first, after 10.1 s" in text
    assert "torch:eager is done first up to 390 steps, jax:jit beyond." in text


@pytest.mark.parametrize(
    ("verdict", "said"),
    [("not separated", "not separated from"), ("not judged", "not judged against")],
)
def test_who_is_done_first_is_not_told_beyond_what_is_judged(verdict: str, said: str) -> None:
    found = reference("lm-small")
    pair = {"jax:jit", "torch:eager"}
    comparisons = [
        one.model_copy(update={"verdict": verdict}) if {one.first, one.second} == pair else one
        for one in found.comparisons
    ]
    text = Parsed(report.render(found.model_copy(update={"comparisons": comparisons}))).text
    assert f"up to some 390 steps at least; beyond, it is {said} jax:jit." in text
    none = [one.model_copy(update={"verdict": "not judged"}) for one in found.comparisons]
    text = Parsed(report.render(found.model_copy(update={"comparisons": none}))).text
    assert "is done first" not in text


def test_what_is_repeated_names_no_folder_of_the_author() -> None:
    summary = reference("lm-small")
    command = [
        "compare", "--task", "lm", "--data", "/home/me/secret/book.txt", "--json", "--out",
        "/home/me/results", "--config=/home/me/my.toml",
        "--set", "task.validation=../mine/held out.txt,~/more.txt",
        "--backend", "./adapters/mine.py,jax", "--set", "train.steps=5", "--python", "jax=/me/py",
    ]  # fmt: skip
    page = report.render(summary.model_copy(update={"command": command}))
    assert answers(page)["repeat"] == (
        "compare --task lm --data book.txt --config=my.toml"
        " --set &#39;task.validation=held out.txt,more.txt&#39;"
        " --backend mine.py,jax --set train.steps=5"
    )
    assert (
        "Files of these names are needed: book.txt, my.toml, held out.txt, more.txt, mine.py."
        in page
    )
    assert "/me" not in page
    assert "pip install framework-compare==0.2.0 jax==0.10.2" in page
    assert "torch==2.13.0<" in page  # no index has a build's own suffix
    assert summary.experiment["data_sha256"] in page


def test_a_framework_has_its_colour_and_a_mode_its_dash() -> None:
    names = list(installed("backend"))
    both = styles(["torch:eager", "torch:compile", "jax:jit"])
    assert both["torch:eager"].hue == both["torch:compile"].hue != both["jax:jit"].hue
    assert both["torch:eager"].dash != both["torch:compile"].dash
    assert styles(["jax:jit", "torch:eager"])["torch:eager"] == both["torch:eager"]
    assert len({one.hue for one in styles(f"{name}:m" for name in names).values()}) == len(names)
    usual = ["torch:eager", "tensorflow:xla", "jax:jit", "keras:tensorflow"]
    assert len({tuple(one.dash) for one in styles(usual).values()}) == len(usual)
    many = styles(f"framework{i}:m" for i in range(8))
    assert len({one.hue for one in many.values()}) == 8
    for count in (9, 20, 48):  # more than there are colours
        found = styles(f"framework{i}:m" for i in range(count)).values()
        assert len({(one.hue, tuple(one.dash)) for one in found}) == count


def with_samples(summary: Summary) -> Summary:
    wanted = ["a small cat sat", "<b>two</b> dogs"]
    outputs = [wanted, ["a big cat sat", "dogs"], wanted, ["", "two dogs ran"]]
    cells = [
        cell.model_copy(update={"samples": texts})
        for cell, texts in zip(summary.cells, outputs, strict=True)
    ]
    examples = [Example(text=f"ein {i}", wanted=text) for i, text in enumerate(wanted)]
    return summary.model_copy(update={"cells": cells, "examples": examples})


def test_samples_stand_beside_what_is_wanted(summary: Summary) -> None:
    page = report.render(with_samples(summary))
    table = page.split('<table class="cards words">')[1].split("</table>")[0]
    columns = re.findall(r'<th scope="col">(.*?)</th>', table)
    assert columns == ["input", "wanted", "jax:jit, tensorflow:graph", "keras:tensorflow",
                       "torch:eager"]  # fmt: skip
    first, second = (row for row in table.split("<tr>")[2:])
    assert "a <mark>big</mark> cat sat" in first
    assert "(nothing)" in first
    assert "&lt;b&gt;two&lt;/b&gt; dogs" in second
    assert "<mark>two</mark> dogs <mark>ran</mark>" in second
    assert "words" not in re.findall(r'<table class="(.*?)"', report.render(summary))


def test_samples_are_what_was_recorded() -> None:
    examples = [Example(text="eins", wanted="one")]
    records: list[AnyRecord] = [begun().model_copy(update={"examples": examples})]
    for name, said in ((A, "one"), (B, "won")):
        records += [
            record.model_copy(update={"samples": [said]})
            if isinstance(record, Evaluated)
            else record
            for record in whole(name, steady(name, [1.0] * 5))
        ]
    summary = summarise(records)
    assert summary.examples == examples
    assert [cell.samples for cell in summary.cells] == [["one"], ["won"]]
    assert "<mark>won</mark>" in report.render(summary)


def test_text_from_outside_stays_text(parsed: Parsed, ugly: Summary) -> None:
    found = Parsed(report.render(ugly))
    assert len(found.names("script")) == len(parsed.names("script"))
    assert found.text.count(UGLY) >= 4  # in the tables, as a reason, a note and a log
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
               "ratio_to_fastest": None, "window_places": [], "status": "failed",
               "reason": "it died"}  # fmt: skip
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
        assert b"keras:tensorflow" in drawings[name] or name == "loss"
        assert b"var(--" not in drawings[name]


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


def test_a_history_shows_upgrades(history: History) -> None:
    page = Parsed(report.render_history(history))
    assert re.search(r"library 0\.0 -> 1\.0, 1\.01 \(.*\) times as fast as before\.", page.text)
    assert list(page.json("figures")) == ["throughput-0"]
    carried = pd.read_csv(io.StringIO(page.json("downloads")["history.csv"]))
    assert carried["tokens_per_second"].tolist() == [103.0, 102.0, 101.0, 100.0]
    assert carried["backend"].tolist() == [UGLY] * 4


def test_each_figure_stands_in_the_table_of_its_question() -> None:
    found = of_run(reference("lm-small"))
    assert found.memory
    assert "peak mem" in found.memory.columns
    assert "peak mem" not in found.learned.columns
    assert {"tokens/s", "step"} <= {*found.speed.columns}
    assert found.learned.columns[0] == "backend"

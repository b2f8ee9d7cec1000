"""The server as a process: its pages, what it refuses, and a run that grows while it is served."""

import re
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from browser import launched, needs_browser
from conftest import Compare, begin
from fake_records import MACHINE, A, B, header, played, steady, whole
from sites import Site, start

from compare.commands.serve import serve
from compare.errors import UserError
from compare.records.record_types import Ended, Evaluated
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import MANIFEST, Sweep

SECRET = "nobody may read this"


def contents(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


def make_sweep(path: Path, *names: str) -> None:
    request = {
        "task": "lm", "preset": "tiny", "overrides": [], "backends": ["a"], "pythons": {},
    }  # fmt: skip
    points = [{"name": name, "values": {"train.seed": i}} for i, name in enumerate(names)]
    sweep = Sweep.model_validate(
        {"run_id": path.name, "started": "2026-01-01T00:00:00Z", "command": [], "request": request,
         "axes": {"train.seed": list(range(len(names)))}, "points": points}
    )  # fmt: skip
    path.mkdir()
    (path / MANIFEST).write_text(sweep.model_dump_json())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A folder of runs, beside which lie things that are none of its business."""
    root = tmp_path_factory.mktemp("site")
    (root / "secret.md").write_text(SECRET)
    folder = root / "results"
    run = played(folder / "first run", 1, "1.0", 1.0)
    run.append(Ended(cell=A, round=2, status="failed", reason=f"<script>{SECRET}</script>"))
    (run.path / "logs" / "a.log").write_text("<b>a log</b>\n")
    (run.path / "inputs").mkdir()
    (run.path / "inputs" / "data.json").write_text("not served")
    (run.path / "notes.txt").write_text("not served")
    (run.path / "stolen.md").symlink_to(root / "secret.md")
    (run.path / "outputs").symlink_to(root, target_is_directory=True)
    played(folder / "deep" / "second", 2, "1.0", 1.0)
    played(root / "outside", 1, "7.7.7", 1.0)
    (folder / "linked").symlink_to(root / "outside", target_is_directory=True)
    (folder / "files").mkdir()
    (folder / "files" / "records.jsonl").symlink_to(root / "outside" / "records.jsonl")
    make_sweep(folder / "sweep", "one", "two")
    played(folder / "sweep" / "one", 1, "1.0", 1.0)
    (folder / "sweep" / "two" / "logs").mkdir(parents=True)  # not begun yet
    make_sweep(folder / "thief", "../../outside")
    (folder / "foreign").mkdir()
    (folder / "foreign" / "records.jsonl").write_text("cake\n")
    process, port = start(folder)
    yield Site(folder, port)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_the_list_of_runs(site: Site) -> None:
    status, headers, page = site.ask("/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    addresses = [re.findall(r'href="(.*?)"', row)[0] for row in rows[1:]]
    assert "<main>" in page
    assert addresses[:4] == [
        "/runs/deep/second/", "/runs/first%20run/", "/runs/thief/", "/runs/sweep/",
    ]  # fmt: skip
    texts = re.findall(r"<td[^>]*>(.*?)</td>", rows[1])
    assert texts[-3:] == ["a:m", "ok", "a:m, 100 (96–104) tokens/s"]
    assert '<span class="bad">a:m failed: &lt;script&gt;nobody may read this' in rows[2]
    assert "1 of 2 points" in rows[4]
    assert "cannot be read" in next(row for row in rows if "/runs/foreign/" in row)
    assert "left out" in next(row for row in rows if "/runs/files/" in row)
    assert "outside" not in page


def test_the_pages_of_runs_and_sweeps_and_their_files(site: Site) -> None:
    for address in ("/runs/first%20run/", "/runs/sweep/", "/runs/sweep/one/", "/runs/deep/second/"):
        status, headers, page = site.ask(address)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "records.jsonl" in page or "sweep.json" in page
        assert "a:m" in page
        assert f"<script>{SECRET}" not in page
    _, _, page = site.ask("/runs/first%20run/")
    for link in re.findall(r'<a href="([^"/#][^":]*)">', page):
        if link.startswith(("records", "logs", "summary")):
            assert site.ask(f"/runs/first%20run/{link}")[0] == 200
    for name in ("records.jsonl", "summary.json", "logs/a.log"):
        status, headers, text = site.ask(f"/runs/first%20run/{name}")
        assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert text == (site.folder / "first run" / name).read_text()
    status, headers, _ = site.ask("/runs/deep/second")
    assert (status, headers["location"]) == (301, "/runs/deep/second/")
    assert site.ask("/runs/foreign/")[0] == 422
    assert "cannot be read" in site.ask("/runs/foreign/")[2]


def test_the_history_is_of_what_lies_in_the_folder(site: Site) -> None:
    status, _, page = site.ask("/history/")
    assert status == 200
    assert "deep/second" in page
    assert "cannot be read" in page  # the foreign one
    assert "7.7.7" not in page
    assert site.ask("/history/version")[2] == site.ask("/version")[2]


def test_pages_load_nothing_from_elsewhere(site: Site) -> None:
    for address in ("/", "/runs/sweep/", "/runs/first%20run/records.jsonl", "/nowhere"):
        _, headers, page = site.ask(address)
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
        if "html" in headers["content-type"]:
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "http" not in policy
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "unsafe" not in site.ask("/")[1]["content-security-policy"]


TRAVERSALS = [
    "../secret.md", "../../secret.md", "../outside/", "%2e%2e/secret.md", "%2e%2e%2fsecret.md",
    "..%2f..%2fsecret.md", "%252e%252e%252fsecret.md", "..%5c..%5csecret.md", "..\\secret.md",
    "%c0%ae%c0%ae/secret.md", "....//secret.md", ".%00./secret.md", "first%20run/../../secret.md",
    "first%20run/logs/../../../secret.md", "first%20run/stolen.md", "first%20run/outputs/secret.md",
    "first%20run/inputs/data.json", "first%20run/notes.txt", "first%20run/records.jsonl%00.md",
    "linked/", "linked/records.jsonl", "linked/version", "files/", "files/records.jsonl",
    "sweep/../../outside/", "thief/%2e%2e/%2e%2e/outside/", "/etc/passwd", "//etc/passwd",
    "%2fetc%2fpasswd", "C:/secret.md", "~/secret.md", "first%20run//records.jsonl", "x" * 5000, ".",
    "./first%20run/", "%",
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["/runs/", "/", "/runs/first%20run/"])
def test_nothing_outside_the_folder_is_answered(site: Site, prefix: str) -> None:
    tried = [prefix + path for path in TRAVERSALS]
    tried += [quote(str(site.folder.parent / "secret.md")), f"http://x{prefix}../secret.md", "*"]
    tried += [f"/runs/{quote(str(site.folder.parent / 'outside'), safe='')}/"]
    for target in tried:
        sent = f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
        answer = site.raw(sent)
        assert answer.split(b" ")[1] in (b"400", b"404"), (target, answer[:200])
        for secret in (SECRET, "7.7.7", "root:", "not served"):
            assert secret.encode() not in answer, target
    status, _, page = site.ask("/runs/thief/")
    assert status == 422
    assert "does not lie in this folder" in page
    assert "7.7.7" not in page


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_no_request_changes_anything(site: Site, method: str) -> None:
    before = contents(site.folder.parent)
    for target in ("/", "/runs/deep/second/", "/runs/deep/second/report.md", "/new.md"):
        status, headers, _ = site.ask(target, method, body=b"x=1")
        assert (status, headers["allow"]) == (405, "GET, HEAD")
        status, _, text = site.ask(target, "HEAD")
        assert status in (200, 404)
        assert text == ""
    assert contents(site.folder.parent) == before


def test_a_request_for_another_host_s_name_is_refused(site: Site) -> None:
    for name in ("a.example", f"a.example:{site.port}", "127.0.0.1.a.example", "[::2]", "["):
        status, _, page = site.ask("/", host=name)
        assert (status, "first" in page) == (403, False)
    for host in (f"localhost:{site.port}", "LOCALHOST", "127.0.0.1"):
        assert site.ask("/", host=host)[0] == 200
    assert b" 403 " in site.raw(b"GET / HTTP/1.0\r\n\r\n")


def test_nonsense_is_no_trouble(site: Site) -> None:
    words = (b"\r\n", b"GET\r\n\r\n", b"\x16\x03\x01", b"GET / HTTP/9.9\r\n\r\n", b"x" * 70000)
    for sent in words:
        answer = site.raw(sent)
        assert b"200 OK" not in answer
        assert b"<" not in answer
    assert site.ask("/")[0] == 200


def test_a_run_that_grows_is_shown_as_it_is(site: Site) -> None:
    run = played(site.folder / "growing", 9, "1.0", 1.0)
    versions = [site.ask("/runs/growing/version")[2], site.ask("/version")[2]]
    assert "at rest" in versions[0]
    assert "a:m" in site.ask("/runs/growing/")[2]
    assert f'data-version="{versions[0].strip()}"' in site.ask("/runs/growing/")[2]
    assert site.ask("/runs/growing/version")[2] == versions[0]  # to look at it changes nothing
    with run.alone():
        assert "running" in site.ask("/runs/growing/version")[2]
        run.append(Ended(cell=A, round=2, status="failed", reason="the latest news"))
        with (run.path / "records.jsonl").open("a") as file:
            file.write('{"kind":"ended","ce')  # is being written
        assert site.ask("/version")[2] != versions[1]
        assert "the latest news" in site.ask("/runs/growing/")[2]
        assert ">running: round 1 of 1, step 3 of 10" in site.ask("/")[2]
        assert site.ask("/runs/growing/records.jsonl")[2].endswith('"ce')
    grown = site.ask("/runs/growing/version")[2]
    assert grown.split()[0] > versions[0].split()[0]
    (run.path / "report.md").write_text("written last\n")  # when nobody plays any more
    assert site.ask("/runs/growing/version")[2] != grown
    assert 'href="report.md"' in site.ask("/runs/growing/")[2]


def test_a_point_of_a_sweep_that_is_played_is_running(site: Site) -> None:
    cell = ">running</td>"
    assert cell not in site.ask("/runs/sweep/")[2]
    with RunFolder(site.folder / "sweep" / "one").alone():
        assert cell in site.ask("/runs/sweep/")[2]
    assert cell not in site.ask("/runs/sweep/")[2]


@pytest.mark.slow
@needs_browser
def test_the_page_in_a_browser_follows_a_run_that_is_being_played(site: Site) -> None:
    with launched() as browser:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{site.port}/")
        process = begin(
            site.folder.parent, "--task", "lm", "--preset", "tiny", "--backend", "reference",
            "--steps", "30", "--out", str(site.folder),
        )  # fmt: skip
        row = page.locator("tr", has_text="reference")
        row.get_by_role("link").click(timeout=60_000)  # the list has it without being asked
        page.get_by_text("reference:numpy").first.wait_for()
        assert process.wait(timeout=60) == 0
        last = site.ask(f"{urlsplit(page.url).path}version")[2].strip()  # nothing comes after it
        assert last.endswith("at rest")
        page.locator(f"#live[data-version='{last}']").wait_for(state="attached", timeout=60_000)
        page.get_by_role("link", name="report.md").click()
        assert "reference" in (page.text_content("pre") or "")
    assert complaints == []


@needs_browser
def test_a_page_that_is_looked_at_grows_and_keeps_what_was_chosen(site: Site) -> None:
    run = RunFolder(site.folder / "playing").make()
    run.append(header().model_copy(update={"machine": MACHINE, "run_id": "playing"}))
    records = [
        record
        for cell, pace in ((A, 1.0), (B, 2.0))
        for record in whole(cell, steady(cell, [pace, pace * 1.01] * 4))
    ]
    last = [record for record in records if isinstance(record, Ended | Evaluated)]
    playing = [record for record in records if record not in last]
    with launched() as browser:
        page = browser.new_page()
        page.set_default_timeout(30_000)
        with run.alone():
            for record in playing[:-4]:
                run.append(record)
            page.goto(f"http://127.0.0.1:{site.port}/runs/playing/")
            page.wait_for_selector("html[data-drawn]")
            assert page.locator(".running").inner_text().startswith("Running: step 4 of 10, ")
            assert "interrupted" not in page.inner_text("main")
            assert "so far, and by how much" in page.locator(".answers dt").first.inner_text()
            page.locator("#speed .sort", has_text="tokens/s").click()
            page.evaluate("window.stayed = true")
            for record in playing[-4:]:
                run.append(record)
            page.get_by_text("step 8 of 10").wait_for()
            assert page.locator("#speed th[aria-sort=ascending]").inner_text() == "tokens/s"
            for record in last:
                run.append(record)
        page.locator(".running").wait_for(state="detached")  # nobody plays any more
        assert page.locator("#speed td", has_text="ok").count() == 2
        assert page.evaluate("window.stayed")


def test_what_it_cannot_serve_is_told_in_one_line(compare: Compare, site: Site) -> None:
    finished = compare("serve", str(site.folder), "--port", str(site.port))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith(f"compare: port {site.port} of 127.0.0.1 is in use")
    assert finished.stderr.count("\n") == 1
    with pytest.raises(UserError, match="cannot listen on 256"):
        serve(site.folder, host="256.1.1.1", port=0)
    with pytest.raises(UserError, match="'nowhere' is no folder"):
        serve(Path("nowhere"))


def test_only_this_machine_is_listened_to(site: Site) -> None:
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    addresses = re.findall(rf" ([0-9A-F]+):{site.port:04X} [0-9A-F]+:0000 0A", listening)
    assert addresses == ["0100007F"]


def test_where_the_points_of_a_sweep_stand(site: Site) -> None:
    """Done, playing where, lost, to come; and how long all of it still takes."""
    folder = site.folder / "watched"
    names = ["done", "playing", "gone", "away", "to come"]
    make_sweep(folder, *names)
    try:
        path = folder / MANIFEST
        sweep = Sweep.model_validate_json(path.read_text())
        begun = datetime.now(UTC) - timedelta(seconds=90)
        over = {"started": begun, "ended": begun + timedelta(seconds=60)}
        attempts = [
            {"point": "done", "stage": "node1", "outcome": "done", **over},
            {"point": "away", "stage": "node3", "outcome": "lost", "why": "gone", **over},
            {"point": "playing", "stage": "node2", "started": begun},
        ]
        given = sweep.model_dump() | {"attempts": attempts}
        path.write_text(Sweep.model_validate(given).model_dump_json())
        played(folder / "done", 1, "1.0", 1.0)
        (folder / "playing").mkdir()
        with RunFolder(folder / "playing").alone():
            _, _, page = site.ask("/runs/watched/points/")
            version = site.ask("/runs/watched/points/version")[2]
        assert "1 of 5 points done, 1 failed" in page
        assert "playing on node2" in page
        assert "about 3:00 left" in page  # three, at a minute each, on one machine
        states = re.findall(r"<tr><th.*?>\d</th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>", page)
        assert states == [
            ("done", "done", "node1"),
            ("playing", "playing", "node2"),
            ("gone", "not begun", "–"),
            ("away", "lost", "node3"),
            ("to come", "not begun", "–"),
        ]
        assert site.ask("/runs/watched/points/version")[2] != version  # nobody plays any more
        assert "nobody plays the others just now" in site.ask("/runs/watched/points/")[2]
        assert 'href="points/"' in site.ask("/runs/watched/")[2]
        assert site.ask("/runs/first%20run/points/")[0] == 404
    finally:
        shutil.rmtree(folder)


def test_points_that_lie_elsewhere_are_not_looked_at(site: Site) -> None:
    status, _, page = site.ask("/runs/thief/points/")
    assert (status, "7.7.7" in page) == (422, False)

"""Runs on machines that have no room, lose a folder, or are asked to stop twice."""

import json
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ADAPTERS, Compare, begin, command, environment
from fake_records import played

TROUBLE = str(ADAPTERS / "trouble.py")
TINY = ("--task", "lm", "--preset", "tiny", "--backend", "reference")
SLOW = ("--task", "lm", "--preset", "tiny", "--backend", f"{TROUBLE}:slow", "--steps", "2000")

Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """`mount(options)` gives a small file system in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mounted(options: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], capture_output=True
        )
        if done.returncode:
            pytest.skip("no file system can be mounted here: it takes root")
        return disk

    yield mounted
    subprocess.run(["umount", str(disk)], capture_output=True)


def training(folder: Path, *arguments: str) -> "tuple[subprocess.Popen[str], Path]":
    """A run that has got to its steady windows, and its folder."""
    going = begin(folder, *arguments)
    deadline = time.monotonic() + 120
    while True:
        for records in folder.glob("results/*/records.jsonl"):
            if '"role":"steady"' in records.read_text():
                return going, records.parent
        assert time.monotonic() < deadline, "the run did not get there"
        time.sleep(0.05)


def test_an_adapter_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """Ctrl-C before anything is played."""
    (tmp_path / "hangs.py").write_text("import time\ntime.sleep(600)\n")
    going = begin(tmp_path, "--task", "lm", "--backend", "hangs.py")
    process, deadline = psutil.Process(going.pid), time.monotonic() + 60
    while not any("hangs.py" in child.cmdline() for child in process.children()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    workers = process.children()
    going.send_signal(signal.SIGINT)
    _, errors = going.communicate(timeout=10)
    assert (going.returncode, errors) == (130, "")
    assert psutil.wait_procs(workers, timeout=5)[1] == []


def test_who_is_asked_twice_ends_at_once(tmp_path: Path) -> None:
    """Whatever the first Ctrl-C was taken for, such as by a task that passes over it."""
    (tmp_path / "deaf.py").write_text(
        "import time\nfrom pathlib import Path\n"
        "for name in ('begun', 'asked'):\n"
        "    Path(name).touch()\n"
        "    try:\n        time.sleep(600)\n"
        "    except KeyboardInterrupt:\n        pass\n"
    )
    going, deadline = begin(tmp_path, "--task", "deaf.py"), time.monotonic() + 60
    for name in ("begun", "asked"):
        while not (tmp_path / name).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)  # what comes at once is the same signal
        assert going.poll() is None
        going.send_signal(signal.SIGINT)
    _, errors = going.communicate(timeout=10)
    assert (going.returncode, errors) == (130, "")


@pytest.mark.slow
def test_a_signal_that_is_sent_twice_at_once_is_meant_once(tmp_path: Path) -> None:
    """As `timeout` does, to its child and then to the group that it is in."""
    going, folder = training(tmp_path, *SLOW, "--json")
    going.send_signal(signal.SIGTERM)
    going.send_signal(signal.SIGTERM)
    output, _ = going.communicate(timeout=60)
    assert going.returncode == 143
    assert [row["status"] for row in json.loads(output)["cells"]] == ["interrupted"]
    assert (folder / "report.md").is_file()


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_command_that_has_nothing_to_report_ends_as_it_was_asked_to(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    """An audit, as explain, generate and check-backend: its workers end with it."""
    going = begin(tmp_path, "audit", "--backend", "reference", "--steps", "100000", "--quiet")
    process = psutil.Process(going.pid)
    while not any("compare.worker" in " ".join(one.cmdline()) for one in process.children()):
        time.sleep(0.05)
    time.sleep(1)  # it is at work, and no longer asks who is there
    workers = process.children()
    going.send_signal(sent)
    going.communicate(timeout=30)
    assert going.returncode == code
    assert psutil.wait_procs(workers, timeout=5)[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["moved", "taken away"])
def test_a_folder_that_goes_in_mid_run_is_told_in_one_line(
    compare: Compare, tmp_path: Path, how: str
) -> None:
    going, folder = training(tmp_path, *SLOW, "--quiet")
    workers = psutil.Process(going.pid).children()
    if how == "moved":
        folder.rename(tmp_path / "moved")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    _, errors = going.communicate(timeout=60)
    assert going.returncode == 2
    (line,) = errors.splitlines()
    assert "cannot write" in line or "cannot be used" in line
    assert "No such file or directory" in line
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    if how == "moved":
        (row,) = json.loads(compare("report", "moved", "--json").stdout)["cells"]
        assert row["status"] == "interrupted"
        assert row["losses"]


def refused(compare: Compare, message: str, *arguments: str) -> None:
    """In one line, before the data - which are not there - are asked for."""
    finished = compare(*TINY, "--data", "no.txt", *arguments)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_to_is_told_before_anything_starts(
    compare: Compare, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("")
    leads = f"'{tmp_path}/link' is a link to 'nowhere', which is not there"
    refused(compare, f"cannot write to 'link': {leads}", "--out", "link")
    refused(compare, f"cannot write to 'link/deep/er': {leads}", "--out", "link/deep/er")
    refused(compare, f"'{tmp_path}/file' is no folder", "--out", "file/deep")
    refused(compare, "File name too long", "--out", "x" * 300)
    refused(compare, "File name too long", "--out", "/".join(["x" * 200] * 20))
    assert {path.name for path in tmp_path.iterdir()} == {"link", "file"}


def test_a_read_only_folder_is_told_before_anything_starts(compare: Compare, mount: Mount) -> None:
    disk = mount("ro")
    refused(compare, f"cannot write to '{disk}/results': Read-only", "--out", f"{disk}/results")


@pytest.mark.slow
def test_room_is_looked_for_before_anything_is_written(compare: Compare, mount: Mount) -> None:
    disk = mount("size=12m")
    out = ("--out", f"{disk}/results")
    finished = compare(*TINY, *out, "--set", "model.hidden=2000")
    assert finished.returncode == 2
    assert f"cannot write to '{disk}/results': a run takes 54." in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (disk / "results").exists()
    assert compare(*TINY, *out).returncode == 0


@pytest.mark.slow
def test_a_file_that_may_not_be_as_large_as_it_should_is_told_in_one_line(
    compare: Compare, tmp_path: Path
) -> None:
    """As a quota does it, or a disk that another program fills meanwhile."""
    run = shlex.join(command(*TINY, "--json", "--quiet"))
    finished = subprocess.run(
        ["bash", "-c", f"ulimit -f 1000; {run}"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith("compare: cannot write 'results/")
    assert "what is there stays readable" in line
    (folder,) = (tmp_path / "results").iterdir()
    assert compare("resume", str(folder)).returncode == 0


def test_a_report_that_has_no_room_is_told_with_its_path(tmp_path: Path) -> None:
    """Of a file that is open already, the system does not tell it."""
    played(tmp_path / "run", 1, "1.0", 1.0)
    line = f"ulimit -f 30; {shlex.join(command('report', 'run', '--out', 'made'))}"
    finished = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert finished.returncode == 2
    assert finished.stderr.startswith("compare: cannot write 'made/report.html': File too large")
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("model.hidden=2000000", "12,000,436,003,400 parameters of this model take 48,001.7 GB"),
        ("model.vocab=2000000000", "parameters of this model take 264.0 GB"),
        ("train.steps=900000000000", "the places of 3,600,000,000,000 rows of batches take 28,800"),
        ("train.sequence_length=900000000000000", "tokens of a batch take"),
    ],
)  # fmt: skip
def test_what_no_memory_can_hold_is_told_before_it_is_asked_for(
    compare: Compare, tmp_path: Path, field: str, told: str
) -> None:
    finished = compare(*TINY, "--set", field)
    assert finished.returncode == 2
    assert told in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_names_of_any_kind_can_be_written_to_and_what_cannot_be_kept_is_refused(
    compare: Compare, tmp_path: Path
) -> None:
    out = tmp_path / "caf\udce9 [x] {y} 'z'"
    assert compare(*TINY, "--steps", "8", "--out", str(out)).returncode == 0
    (folder,) = out.iterdir()
    assert compare("report", str(folder)).returncode == 0
    assert compare("resume", str(folder)).returncode == 0
    (tmp_path / "data").mkdir()
    for arguments in (("--data", "caf\udce9.txt"), ("--set", "task.validation=caf\udce9"),
                      ("--backend", "caf\udce9.py")):  # fmt: skip
        finished = compare(*TINY, *arguments)
        assert finished.returncode == 2
        assert "caf\\xe9" in finished.stderr
        assert "is not UTF-8: rename it, or make a link to it" in finished.stderr
        assert finished.stderr.count("\n") == 1

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compare.errors import UserError
from compare.meters import threads
from compare.meters.kernel import UNAVAILABLE
from compare.meters.machine import chosen, describe, relevant_environment, worker_environment
from compare.meters.threads import cpu_quota, default_threads, require_threads, usable_cpus

LIBRARIES = "from compare.meters.machine import native_libraries; print(native_libraries())"
linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc and /sys")


def printed(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_a_machine_is_described_in_full_with_what_is_not_known_said_so() -> None:
    found = describe()
    assert all(type(value) in (str, int) and value != "" for value in found.values())
    assert found["cpus"] == usable_cpus()
    assert isinstance(found["memory_bytes"], int)
    assert found["memory_bytes"] > found["cpus"] > 0
    assert found["hypervisor"] in ("yes", "no", UNAVAILABLE)


@linux
def test_the_load_average_is_that_of_the_last_minute() -> None:
    assert re.fullmatch(r"\d+\.\d\d", str(describe()["load_average"]))


def test_the_tightest_quota_of_a_group_and_its_parents_counts(tmp_path: Path) -> None:
    group(tmp_path / "pod", cpu__max="150000 100000")
    group(tmp_path / "pod" / "loose", cpu__max="max 100000")
    group(tmp_path / "pod" / "tight", cpu__max="50000 100000")
    group(tmp_path / "free", cpu__max="max 100000")
    assert cpu_quota(tmp_path, "0::/pod/loose\n") == "1.5"
    assert cpu_quota(tmp_path, "0::/pod/tight\n") == "0.5"
    assert cpu_quota(tmp_path, "0::/free\n") == "none"
    assert cpu_quota(tmp_path, "0::/\n") == "none"
    assert cpu_quota(tmp_path, "") == UNAVAILABLE


def test_a_quota_of_the_first_version_of_control_groups_is_found(tmp_path: Path) -> None:
    group(tmp_path / "cpu" / "box", cpu__cfs_quota_us="200000", cpu__cfs_period_us="100000")
    group(tmp_path / "cpu" / "open", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    assert cpu_quota(tmp_path, "3:memory:/box\n2:cpu,cpuacct:/box\n0::/\n") == "2"
    assert cpu_quota(tmp_path, "2:cpu:/open\n") == "none"


@pytest.mark.parametrize(("quota", "granted"), [("50000", 1), ("150000", 1), ("99900000", None)])
def test_threads_are_no_more_than_whole_cpus_of_the_quota(
    quota: str, granted: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, tmp_path / "cpu"):  # of either version of control groups
        folder.mkdir(exist_ok=True)
        (folder / "cpu.max").write_text(f"{quota} 100000\n")
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    assert default_threads() == (granted or usable_cpus())


def test_more_threads_than_cpus_are_refused_with_what_to_take() -> None:
    cpus = usable_cpus()
    assert require_threads(cpus) == cpus
    with pytest.raises(UserError, match=f"--threads {cpus + 1}: .* take --threads {cpus}$"):
        require_threads(cpus + 1)


def test_the_chosen_option_of_a_kernel_s_list() -> None:
    assert chosen("always [madvise] never\n") == "madvise"
    assert chosen("") == UNAVAILABLE


@linux
def test_the_blas_in_a_process_is_named_with_version_and_threads() -> None:
    assert printed(LIBRARIES) == "[]"
    one = printed(f"import numpy; {LIBRARIES}", OPENBLAS_NUM_THREADS="1")
    assert re.fullmatch(r"\['\w+ \d[\d.]+ \((\w+, )+1 thread\)'\]", one)


def test_without_threadpoolctl_libraries_are_not_known() -> None:
    assert printed(f"import sys; sys.modules['threadpoolctl'] = None; {LIBRARIES}") == "None"


def test_workers_keep_freed_memory_unless_the_user_says_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert "glibc.malloc.hugetlb=1" in worker_environment()["GLIBC_TUNABLES"]
    assert "glibc.malloc.hugetlb=1" in relevant_environment()["GLIBC_TUNABLES"]  # recorded
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    assert worker_environment()["GLIBC_TUNABLES"] == ""

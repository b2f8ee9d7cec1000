"""The commit that a run is recorded with."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from compare import version


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_a_checkout_tells_its_commit() -> None:
    asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert len(version.commit().rstrip("+")) >= 12
    assert head.startswith(version.commit().rstrip("+"))


def test_what_is_no_checkout_has_none(tmp_path: Path) -> None:
    shutil.copy(ROOT / "compare" / "version.py", tmp_path)
    code = "import version; print([version.commit()])"
    asked = [sys.executable, "-c", code]
    told = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == "['']\n"

"""What `compare check-backend` tells the author of an adapter that is not right yet."""

import json
from typing import Any

import pytest
from conftest import ADAPTERS, Compare

from compare.conformance.causes import causes, in_short
from compare.conformance.checks import Finding, names
from compare.testing import conformance_test

PLANTED = ADAPTERS / "planted.py"

pytestmark = pytest.mark.usefixtures("own_cpu")


def findings(compare: Compare, backend: str, code: int) -> dict[str, dict[str, Any]]:
    finished = compare("check-backend", backend, "--json")
    assert finished.returncode == code, finished.stderr
    ((_, found),) = json.loads(finished.stdout).items()
    return {finding["check"]: finding for finding in found}


def test_a_right_adapter_passes_every_check(compare: Compare) -> None:
    found = findings(compare, f"{PLANTED}:nothing", 0)
    assert list(found) == names()
    skipped = {"precision: tf32", "precision: bf16", "native dropout: dropout"}
    assert {name for name, f in found.items() if f["status"] == "skipped"} == skipped
    assert "failed" not in {finding["status"] for finding in found.values()}


@pytest.mark.parametrize(
    ("mistake", "checks", "detail", "hint"),
    [
        (
            "recurrent_transposed",
            {"logits", "gradients", "state", "optimizer"},
            "expected",
            "transposed",
        ),
        (
            "state_not_carried",
            {"state", "optimizer", "accumulation", "precision"},
            "losses of two windows at [",
            "not carried",
        ),
        (
            "sparse_embedding",
            {"gradients", "optimizer", "accumulation", "precision", "widths"},
            "gradient: embedding.table",
            "summed",
        ),
        (
            "two_trainable_biases",
            {"optimizer", "accumulation", "precision"},
            "weights after step 0: rnn.0.bias",
            "biases",
        ),
        (
            "layer_norm_epsilon",
            {"logits", "gradients", "accumulation", "other shapes", "widths"},
            "logits at [",
            "epsilon is 1e-5",
        ),
        (
            "loss_averaged_over_padding",
            {"gradients", "accumulation"},
            "embedding.table",
            "over valid targets",
        ),
        ("epsilon_inside_root", {"optimizer"}, "weights after step 0", "epsilon inside the root"),
        (
            "state_not_detached",
            {"optimizer", "accumulation", "precision"},
            "loss of step 1 at [0]",
            "flows into",
        ),
    ],
)
def test_a_mistake_is_named_with_its_usual_causes(
    compare: Compare, mistake: str, checks: set[str], detail: str, hint: str
) -> None:
    found = findings(compare, f"{PLANTED}:{mistake}", 1)
    failed = [finding for finding in found.values() if finding["status"] == "failed"]
    assert {finding["check"].split(":")[0] for finding in failed} == checks
    assert detail in failed[0]["detail"]
    assert hint in failed[0]["hint"]


def test_what_is_not_supported_is_skipped_not_wrong(compare: Compare) -> None:
    found = findings(compare, f"{ADAPTERS / 'trouble.py'}:unsupported", 0)
    counted = {finding["status"] for finding in found.values()}
    assert counted == {"passed", "skipped"}
    assert found["logits: elman of 2 layers"]["detail"] == "not supported: elman"


@pytest.mark.parametrize(
    ("mode", "detail"),
    [("few_losses", "expected (6,)"), ("raises", "RuntimeError: <script>")],
)
def test_broken_answers_are_told_in_a_line(compare: Compare, mode: str, detail: str) -> None:
    found = findings(compare, f"{ADAPTERS / 'trouble.py'}:{mode}", 1)
    assert any(detail in f["detail"] and "\n" not in f["detail"] for f in found.values())


def test_an_adapter_that_hangs_or_lacks_its_framework_says_so(compare: Compare) -> None:
    trouble = ADAPTERS / "trouble.py"
    hangs = compare("check-backend", f"{trouble}:hangs", "--timeout", "3")
    assert hangs.returncode == 1
    sleeping = next(n for n, line in enumerate(trouble.open(), 1) if "time.sleep(1000)" in line)
    assert f"no answer to 'check' within 3 s: killed at {trouble}:{sleeping}" in hangs.stdout
    missing = compare("check-backend", f"{trouble}:missing")
    assert missing.returncode == 0
    assert "a_framework_that_nobody_has is not installed" in missing.stdout


def test_one_cause_is_told_once_and_failures_last(compare: Compare) -> None:
    finished = compare("check-backend", f"{PLANTED}:sparse_embedding")
    assert finished.returncode == 1
    begun = [line.split()[0] for line in finished.stdout.splitlines() if not line.startswith(" ")]
    assert begun[0] == "passed"
    assert begun[-1].startswith("planted:sparse_embedding")
    assert begun[1:-1] == sorted(begun[1:-1], reverse=True)  # skipped before failed
    failed = [line for line in finished.stdout.splitlines() if line.startswith("failed")]
    (gradients,) = (line for line in failed if "gradient: embedding.table" in line)
    _, _, after = finished.stdout.partition(gradients)
    also, causes, *_ = after.strip().splitlines()
    assert also.strip().startswith("also gradients: ")
    assert "more" in also
    assert "summed over repeated tokens" in causes
    told = finished.stdout.splitlines()[-1]
    assert f"of {len(failed)} causes as far as can be told: begin with the first" in told


def test_findings_that_differ_in_figures_alone_are_of_one_cause() -> None:
    details = {
        "logits: a": "logits at [0, 1]: found 1.5, expected 2, off by 1e-3 of the largest value",
        "logits: b": "logits at [3]: found -2e-7, expected nan, off by inf of the largest value",
        "gradients: a": "gradient: head.bias at [1]: found 1, expected 2, off by 1e-3 of the",
        "gradients: b": "gradient: head.kernel at [1]: found 1, expected 2, off by 1e-3 of the",
    }
    found = causes([Finding(check=c, status="failed", detail=d) for c, d in details.items()])
    assert [cause.checks for cause in found] == [
        ["logits: a", "logits: b"], ["gradients: a"], ["gradients: b"],
    ]  # fmt: skip
    assert in_short(["logits: a", "logits: b", "logits: c", "logits: d", "trainer"], most=2) == (
        "logits: a, b and 2 more; trainer"
    )


# The suite as an author's own CI has it: collected here, it must pass for a right adapter.
test_as_a_pytest_suite = conformance_test(f"{PLANTED}:nothing")

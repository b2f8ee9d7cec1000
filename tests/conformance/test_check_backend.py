"""What `compare check-backend` tells the author of an adapter that is not right yet."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ADAPTERS, Compare

from compare.conformance.causes import causes, in_short
from compare.conformance.checks import names
from compare.conformance.finding import Finding
from compare.contracts import Device
from compare.contracts.loading import load_backend
from compare.errors import UserError
from compare.testing import RATES, case_of, conformance_test

PLANTED = ADAPTERS / "planted.py"


def findings(compare: Compare, backend: str, code: int) -> dict[str, dict[str, Any]]:
    finished = compare("check-backend", backend, "--json")
    assert finished.returncode == code, finished.stderr
    ((_, found),) = json.loads(finished.stdout).items()
    return {finding["check"]: finding for finding in found}


def test_a_right_adapter_passes_every_check(compare: Compare) -> None:
    found = findings(compare, f"{PLANTED}:nothing", 0)
    assert list(found) == names()
    skipped = {"precision: tf32", "precision: bf16", "native dropout: dropout"}
    skipped |= {"compiled: large lstm", "compiled: large transformer block"}
    skipped |= {"ranks: dense, padded targets"}  # it has no join
    assert {name for name, f in found.items() if f["status"] == "skipped"} == skipped
    assert "failed" not in {finding["status"] for finding in found.values()}


def test_a_source_without_padding_comes_without_a_mask(compare: Compare) -> None:
    found = findings(compare, f"{PLANTED}:source_mask_taken_for_granted", 1)
    failed = {name: one["detail"] for name, one in found.items() if one["status"] == "failed"}
    assert set(failed) == {
        f"{kind}: cross-attention, no padding" for kind in ("logits", "gradients")
    }
    assert all("KeyError: 'source_mask'" in detail for detail in failed.values())


@pytest.mark.parametrize(
    ("mistake", "first", "others", "detail", "hint"),
    [
        (
            "recurrent_transposed",
            "logits: elman, state not carried",
            {"logits", "gradients", "state", "training"},
            "expected",
            "transposed",
        ),
        (
            "state_not_carried",
            "state: elman of 2 layers",
            {"state", "training", "accumulation", "precision"},
            "losses of two windows at [",
            "not carried",
        ),
        (
            "sparse_embedding",
            "gradients: dense",
            {"gradients", "optimizer", "training", "several steps", "accumulation", "precision",
             "widths"},
            "gradient: embedding.table",
            "not summed over repeated tokens",
        ),
        (
            "two_trainable_biases",
            "training: elman of 2 layers",
            {"training", "accumulation", "precision"},
            "every change is 2 times what it should be (in 2 of 9 parameters)",
            "a second bias is trained",
        ),
        (
            "second_bias_of_two_gates",
            "training: gru of 2 layers",
            {"precision"},
            "weights after step 0: rnn.0.bias",
            "a second bias is trained",
        ),
        (
            "first_rate_only",
            "several steps: sgd with momentum",
            {"several steps", "widths"},
            "losses of 6 steps",
            "each step has a learning rate of its own",
        ),
        (
            "float32_constants",
            "optimizer: adam",
            {"optimizer", "several steps"},
            "weights after step 1",
            "a constant that was rounded to float32: beta1",
        ),
        (
            "layer_norm_epsilon",
            "logits: layer norm",
            {"logits", "gradients", "accumulation", "other shapes", "widths"},
            "logits at [",
            "epsilon is 1e-5",
        ),
        (
            "loss_averaged_over_padding",
            "gradients: dense, padded targets",
            {"accumulation"},
            "times what it should be",
            "the sum over valid targets divided by their number",
        ),
        (
            "epsilon_inside_root",
            "optimizer: adam",
            {"optimizer", "several steps"},
            "weights after step 0",
            "not inside it",
        ),
        (
            "state_not_detached",
            "training: elman of 2 layers",
            {"training", "accumulation", "precision"},
            "loss of step 1 at [0]",
            "a gradient flows into the carried state",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_one_cause_with_what_fails_of_it(
    compare: Compare, mistake: str, first: str, others: set[str], detail: str, hint: str
) -> None:
    found = findings(compare, f"{PLANTED}:{mistake}", 1)
    failed = [finding for finding in found.values() if finding["status"] == "failed"]
    root = found[first]
    assert (root["status"], root["explained_by"]) == ("failed", "")
    assert detail in root["detail"]
    assert hint in root["hint"]
    explained = [finding for finding in failed if finding["explained_by"] == first]
    assert {finding["check"].split(":")[0] for finding in explained} == others
    if mistake != "layer_norm_epsilon":  # which is the RMS norm's as well
        assert len(explained) == len(failed) - 1


def test_failures_come_last_and_a_cause_once(compare: Compare) -> None:
    told = compare("check-backend", f"{PLANTED}:two_trainable_biases").stdout.splitlines()
    (failed,) = (index for index, line in enumerate(told) if line.startswith("failed"))
    assert (
        told[failed + 1]
        .strip()
        .startswith("also training: lstm of 2 layers, gru of 2 layers, pool, mean;")
    )
    assert told[failed + 2].strip().startswith("usual causes: a second bias is trained")
    assert told[failed + 3] == (
        "planted:two_trainable_biases is wrong in 6 checks, of 1 cause as far as can be told:"
        " begin with the first; 94 passed; 6 checks skipped."
    )
    assert len(told) == failed + 4


@pytest.mark.parametrize(
    ("mode", "check", "detail"),
    [
        ("no_memory", "memory", "CarelessTrainer.memory returned None, expected a DeviceMemory"),
        ("dropout_in_gradients", "native dropout: dropout", "gradient of a batch without masks"),
    ],
)
def test_something_careless_fails_one_check(
    compare: Compare, mode: str, check: str, detail: str
) -> None:
    found = findings(compare, f"{ADAPTERS / 'careless.py'}:{mode}", 1)
    assert [name for name, f in found.items() if f["status"] == "failed"] == [check]
    assert detail in found[check]["detail"]


@pytest.mark.parametrize(
    ("adapter", "code", "told"),
    [
        ("planted_ranks.py:nothing", 0, "passed  planted_ranks:nothing  1 check: ranks"),
        ("planted_ranks.py:local_count", 1, "a rank divides by its own valid targets, and not by"),
        ("careless.py:careful", 0, "not supported: ranks: its adapter has no 'join'"),
    ],
)
def test_one_rank_of_several_divides_by_the_count_of_all(
    compare: Compare, adapter: str, code: int, told: str
) -> None:
    finished = compare("check-backend", str(ADAPTERS / adapter), "--case", "ranks")
    assert finished.returncode == code, finished.stderr
    assert told in finished.stdout


def test_who_cannot_join_is_right_in_the_rest(compare: Compare) -> None:
    found = findings(compare, f"{ADAPTERS / 'planted_ranks.py'}:cannot_join", 1)
    failed = {name for name, one in found.items() if one["status"] == "failed"}
    precise = {"precision: fp32", "precision: tf32", "precision: bf16"}  # it is the oracle
    assert failed - precise == {"ranks: dense, padded targets"}
    assert "RuntimeError: nobody is there" in found["ranks: dense, padded targets"]["detail"]
    assert list(found) == names()


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


@pytest.mark.slow
def test_an_adapter_that_hangs_or_lacks_its_framework_says_so(compare: Compare) -> None:
    trouble = ADAPTERS / "trouble.py"
    hangs = compare("check-backend", f"{trouble}:hangs", "--timeout", "15", "--case", "adam")
    assert hangs.returncode == 1
    sleeping = next(n for n, line in enumerate(trouble.open(), 1) if "time.sleep(1000)" in line)
    assert f"no answer to 'check' within 15 s: killed at {trouble}:{sleeping}" in hangs.stdout
    missing = compare("check-backend", f"{trouble}:missing")
    assert (missing.returncode, missing.stdout) == (2, "")
    (line,) = missing.stderr.splitlines()
    assert "trouble:missing cannot be checked: a_framework_that_nobody_has is not insta" in line


@pytest.mark.parametrize(
    ("case", "checks"),
    [
        ("logits: tied head", ["logits: tied head"]),
        ("tied head", ["round trip: tied head", "logits: tied head", "gradients: tied head"]),
        ("several steps", ["several steps: sgd with momentum", "several steps: adam"]),
    ],
)
def test_one_case_runs_alone(compare: Compare, case: str, checks: list[str]) -> None:
    finished = compare("check-backend", "reference", "--case", case, "--json")
    ((_, found),) = json.loads(finished.stdout).items()
    assert [(f["check"], f["status"]) for f in found] == [(name, "passed") for name in checks]


@pytest.mark.slow
def test_an_exception_is_told_by_its_first_and_last_line_and_whole_on_request(
    compare: Compare,
) -> None:
    trouble = ADAPTERS / "trouble.py"
    arguments = ("check-backend", str(trouble), "--mode", "raises", "--case", "adam")
    told = compare(*arguments).stdout
    line = next(n for n, line in enumerate(trouble.open(), 1) if "second line" in line)
    assert f"<script>alert(1)</script> | a ... second line ({trouble}:{line})" in told
    assert "Traceback" not in told
    assert "Traceback (most recent call last):" in compare(*arguments, "--traceback").stdout


@pytest.mark.parametrize(("mode", "code"), [("compiles", 0), ("gives_up", 1)])
def test_a_mode_that_counts_what_it_compiles_is_held_to_it(
    compare: Compare, mode: str, code: int
) -> None:
    adapter = f"{ADAPTERS / 'careless.py'}:{mode}"
    finished = compare("check-backend", adapter, "--case", "compiled")
    assert finished.returncode == code
    told = "nothing was compiled: details()['compiled'] is 0 after it as before"
    assert (told in finished.stdout) == bool(code)
    assert ("the compiler gave up" in finished.stdout) == bool(code)


def test_what_is_not_checked_is_named(compare: Compare) -> None:
    finished = compare("check-backend", str(ADAPTERS / "careless.py"), "--case", "imports")
    assert finished.stdout.splitlines()[-1] == (
        "not checked: careless:dropout_in_gradients, careless:no_memory, careless:compiles,"
        " careless:gives_up; every mode is with"
        f" {ADAPTERS / 'careless.py'}:all"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--case", "logit"], "unknown case 'logit': did you mean logits"),
        (["--mode", "eagre"], "unknown mode 'eagre' in backend reference: there is numpy"),
        (["--python", "refrence=/bin/true"], "unknown backend 'refrence' in --python: did you me"),
        (["--python", "reference=/bin/true"], "'/bin/true' is no Python"),
        (["--python", "reference={old}"], "is Python 2.7: the suite needs 3.11 or newer"),
        (["--python", "reference={bare}"], "-m pip install numpy pydantic psutil threadpoolctl"),
    ],
)
def test_bad_input_is_a_line_with_the_remedy(
    compare: Compare, tmp_path: Path, arguments: list[str], told: str
) -> None:
    pythons = {"old": "printf 2.7", "bare": f'exec {sys.executable} -S "$@"'}
    for name, line in pythons.items():
        (tmp_path / name).write_text(f'#!/bin/sh\ncase "$*" in *-m*) exit 2;; esac\n{line}\n')
        (tmp_path / name).chmod(0o755)
    paths = {name: str(tmp_path / name) for name in pythons}
    finished = compare("check-backend", "reference", *(a.format(**paths) for a in arguments))
    assert (finished.returncode, finished.stdout) == (2, "")
    (line,) = finished.stderr.splitlines()
    assert told in line


def test_an_author_gets_the_experiment_of_a_case() -> None:
    case = case_of("training: gru of 2 layers")
    trainer = load_backend("reference").build(case.experiment(), Device("cpu"))
    trainer.load(case.weights())
    assert len(trainer.train(case.batches(), RATES)) == len(RATES)
    assert case_of("gru of 2 layers") == case
    with pytest.raises(UserError, match="unknown case 'adm': did you mean adam"):
        case_of("adm")
    with pytest.raises(UserError, match="'memory' is made on no experiment"):
        case_of("memory")


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
    assert f"of {len(failed)} cause as far as can be told: begin with the first" in told


def test_causes_are_what_explains_the_others_and_what_is_alike_word_for_word() -> None:
    findings = [
        Finding(check="trainer", status="passed"),
        Finding(check="logits: a", status="failed", detail="off by 1e-3"),
        Finding(check="logits: b", status="failed", detail="off by 2e-3", explained_by="logits: a"),
        Finding(check="state: a", status="skipped", detail="not supported: elman"),
        Finding(check="gradients: a", status="failed", detail="off by 1e-3 as well"),
        Finding(check="state: b", status="skipped", detail="not supported: elman"),
    ]
    assert [cause.checks for cause in causes(findings)] == [
        ["logits: a", "logits: b"], ["state: a", "state: b"], ["gradients: a"],
    ]  # fmt: skip
    assert in_short(["logits: a", "logits: b", "logits: c", "logits: d", "trainer"], most=2) == (
        "logits: a, b and 2 more; trainer"
    )


# The suite as an author's own CI has it: collected here, it must pass for a right adapter.
test_as_a_pytest_suite = conformance_test(f"{PLANTED}:nothing")

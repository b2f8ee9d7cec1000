"""The workflow and the forms of the public repository name only what there is."""

import re

import yaml
from conftest import ROOT

GITHUB = ROOT / ".github"


def test_the_workflow_makes_targets_that_there_are_on_two_pythons() -> None:
    workflow = yaml.safe_load((GITHUB / "workflows" / "check.yml").read_text())
    job = workflow["jobs"]["check"]
    told = [step["run"] for step in job["steps"] if "run" in step]
    made = [target for run in told for target in re.findall(r"make ([\w-]+)", run)]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert made == ["lint", "test", "lm"]
    assert set(made) <= set(targets)
    assert len(job["strategy"]["matrix"]["python"]) == 2
    (torch,) = re.findall(r"torch==\S+", "\n".join(told))
    assert torch in (ROOT / "constraints.txt").read_text().splitlines()


def test_forms_ask_for_the_machine_and_the_run() -> None:
    for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml"):
        fields = yaml.safe_load(path.read_text())["body"]
        assert "doctor" in {field["id"] for field in fields}, path
    assert "compare doctor" in (GITHUB / "pull_request_template.md").read_text()

"""Plays the runs of `results/reference/runs.toml`, and puts their reports where a visitor looks.

    python benchmarks/reference.py
    python benchmarks/reference.py lm-small ranks

Of a run its records, its report, its page, its plots and its tables are kept, and neither logs,
weights nor answers one by one. All together take some hours; the machine should have nothing else
to do.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

REFERENCE = Path("results/reference")
SCRATCH = Path("build/reference")
LEFT_OUT = ("logs", "weights", "inputs", "outputs", "summary.json", "explanations.jsonl")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="these only")
    names = parser.parse_args().names
    written = REFERENCE / "runs.toml"
    if not written.is_file():
        parser.error(f"no {written} here: run it from the top of a clone")
    runs = tomllib.loads(written.read_text("utf-8"))
    for name in names:
        if name not in runs:
            parser.error(f"no run '{name}' in {written}: {', '.join(runs)}")
    for name in names or runs:
        print(f"{name}: {runs[name]['about']}", flush=True)
        try:
            play(name, runs[name]["commands"])
        except subprocess.CalledProcessError as error:
            print(f"reference: {name}: {shlex.join(error.cmd)}: exit {error.returncode}")
            return 1
    (REFERENCE / "README.md").write_text(page(runs), encoding="utf-8")
    return 0


def play(name: str, commands: list[str]) -> None:
    """The commands of one run, typed in a folder of its own; what is kept of it in its place."""
    scratch, kept = SCRATCH / name, REFERENCE / name
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for command in commands:
        call(re.sub(r"(\S+)/RUN\b", lambda found: run_in(scratch, found[1]), command), scratch)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.move(scratch / run_in(scratch, "results"), kept)
    call(f"compare report {kept} --out {kept} --plots svg", Path.cwd())
    for left_out in LEFT_OUT:
        for found in [*kept.rglob(left_out)]:
            shutil.rmtree(found) if found.is_dir() else found.unlink()


def run_in(scratch: Path, folder: str) -> str:
    """The only run that was written there."""
    (run,) = (scratch / folder).iterdir()
    return f"{folder}/{run.name}"


def call(command: str, where: Path) -> None:
    program, *arguments = shlex.split(command)
    program = str(Path(sys.executable).with_name(program))
    subprocess.run([program, *arguments], check=True, cwd=where)


def page(runs: dict[str, Any]) -> str:
    """The folder's own page: what each run shows, and how it was made."""
    lines = [
        "# Reference runs", "",
        "Each folder has a run's records, its report and its tables. `make reference` makes all of"
        " them anew, on a", "machine that does nothing else; `python benchmarks/reference.py NAME`"
        " makes one.", "",
        "| folder | what it shows |", "| --- | --- |",
        *(f"| [`{name}`]({name}/report.md) | {run['about']} |" for name, run in runs.items()),
        "| [`bench`](bench/README.md) | `make bench`: adapters against loops by hand and what"
        " people use instead, every mode, the suite's own cost |", "",
    ]  # fmt: skip
    for name, run in runs.items():
        lines += [f"## {name}", "", *(f"    {command}" for command in run["commands"]), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

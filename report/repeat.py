"""How is it repeated? The command, what to install, and what the run was made of."""

import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePath

from compare.findings.summary import Summary

_PACKAGE = "framework-compare"
_OUR_OWN = ("--out", "--python")  # options that are of the author's machine alone
_PLACE = re.compile(r"^(?P<before>[\w.-]+=)?(?P<path>(?:[~/]|\.\.?/|[A-Za-z]:\\).*)$")


def command(summary: Summary) -> str:
    """The command without the author's folders: files are called by their names, and where results
    went is left out."""
    return without_the_author(summary.command)


def without_the_author(words: Sequence[str]) -> str:
    """Words of a command without folders of the machine that it was typed on."""
    return shlex.join(map(without_folders, _of_anyone(words)))


def files(summary: Summary) -> list[str]:
    """What of the command was a path, by its name: who repeats it needs files of these names."""
    parts = [part for word in _of_anyone(summary.command) for part in word.split(",")]
    return [_name_of(part).rpartition("=")[2] for part in parts if _PLACE.match(part)]


def without_folders(word: str) -> str:
    """A path, or one behind a field and "=", by its last part."""
    return ",".join(map(_name_of, word.split(",")))


def _of_anyone(command: Sequence[str]) -> Iterator[str]:
    words = iter(command)
    for word in words:
        if word in _OUR_OWN:
            next(words, None)
        elif word != "--json" and not word.startswith(tuple(f"{name}=" for name in _OUR_OWN)):
            yield word


def install(summary: Summary) -> str:
    """What installs the versions that ran. A build's own suffix, as in 2.13.0+cpu, is no version
    that a package index has."""
    suite = summary.environment.get("suite_version")
    versions = summary.environment["versions"]
    pins = [f"{name}=={version.partition('+')[0]}" for name, version in versions.items()]
    return shlex.join(["pip", "install", f"{_PACKAGE}=={suite}" if suite else _PACKAGE, *pins])


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What was used, by what it is."""
    experiment, found = summary.experiment, summary.environment
    data = experiment["data"].get("source", "")
    return [
        (name, text)
        for name, text in (
            ("suite", suite(summary)),
            ("commit", found.get("commit", "")),
            ("Python", found.get("python", "")),
            ("seed", str(experiment["train"]["seed"])),
            ("data", without_folders(data)),
            ("data, SHA-256", experiment.get("data_sha256", "")),
            ("initial weights, SHA-256", experiment.get("weights_sha256", "")),
            ("experiment", summary.fingerprint),
            ("run", summary.run_id),
        )
        if text
    ]


def about(summary: Summary) -> list[str]:
    """When, where and with what it ran: what stands under the title."""
    found = summary.environment
    devices = dict.fromkeys(
        " ".join(filter(None, (cell.device, cell.device_name and f"({cell.device_name})")))
        for cell in summary.cells
        if cell.device
    )
    versions = [f"{name} {version}" for name, version in found["versions"].items()]
    return [
        when(summary),
        f"{found['cpu']}, {_counted(found['cpus'], 'CPU')}",
        *([f"device {', '.join(devices)}"] if devices else []),
        f"{_counted(found['threads'], 'thread')} each",
        suite(summary),
        *versions,
    ]


def when(summary: Summary) -> str:
    started = datetime.fromisoformat(summary.environment["started"])
    return f"{started:%d %B %Y, %H:%M} UTC".lstrip("0")


def suite(summary: Summary) -> str:
    """With its version, where the records have it."""
    return f"{_PACKAGE} {summary.environment.get('suite_version') or ''}".strip()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _name_of(word: str) -> str:
    found = _PLACE.match(word)
    if not found:
        return word
    name = PurePath(found["path"].replace("\\", "/").rstrip("/")).name
    return f"{found['before'] or ''}{name}" if name else word

"""What `compare serve` answers: a path of an address to the page or file of a run.

    /                       the list of runs
    /history/               figures over time, of all of them
    /together/?run=NAME&run=NAME&as=diff    two runs held against each other; as=report: of several
    /runs/NAME/             the page of a run or a sweep; NAME may have slashes
    /runs/NAME/points/      of a sweep, where each of its points stands
    /runs/NAME/version      one line that changes when there is more to show
    /runs/NAME/report.md    a file of its folder, as plain text

Nothing is ever written, and nothing is read from outside the folder, whatever leads there: an
address, a link or a sweep's manifest.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from compare.archive.brief import RunFigures, brief_of
from compare.archive.history import read_history
from compare.archive.stored import STORED, stored_summary, summarise_sweep, summary_so_far
from compare.errors import UserError, one_line
from compare.records.run_folder import RECORDS, RunFolder
from compare.records.run_folders import run_folders
from compare.records.sweep_folder import MANIFEST, SweepFolder, is_sweep
from compare.reporting.contract import ReportFormat
from compare.reporting.loading import load_reports
from compare.serving import index, pages
from compare.serving.addresses import address_of, parts_of, segments
from compare.serving.lines import Line, line_of_run, line_of_sweep, progress_of
from compare.serving.played import is_played, played_now, runs_of
from compare.serving.points import points_page, points_version
from compare.serving.together import diff_page, report_page

_SUFFIXES = (".jsonl", ".json", ".md", ".csv", ".log")
_SUBFOLDERS = ("logs", "outputs")
_MOST_FIELDS = 100


@dataclass(frozen=True)
class Answer:
    """One response: a text, or the first `length` bytes of a file."""

    status: int
    kind: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    size: int = 0

    @property
    def length(self) -> int:
        return self.size if self.file else len(self.body)

    def write(self, out: BufferedIOBase) -> None:
        """A file that is being added to is given as far as its announced length."""
        if self.file is None:
            out.write(self.body)
            return
        with self.file.open("rb") as source:
            left = self.size
            while left and (part := source.read(min(left, 1 << 16))):
                out.write(part)
                left -= len(part)


NOT_THERE = Answer(404, "text/plain", b"not there\n")


class Site:
    """The pages of one folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve()
        self._page_of = lru_cache(maxsize=8)(self._render)  # megabytes each
        self._figures_of = lru_cache(maxsize=50_000)(_figures)

    def answer(self, target: str) -> Answer:
        """To the target of a GET request, such as "/runs/NAME/?x=1"."""
        try:
            parts = parts_of(target)
            match parts:
                case [""]:
                    return self._index()
                case ["favicon.ico"]:
                    return Answer(204, "text/plain")
                case ["version"] | ["history", "version"]:
                    return _plain(self._index_version())
                case ["history", ""]:
                    return self._shown(self._history, self._index_version(), [])
                case ["together", ""]:
                    query = target.partition("?")[2].partition("#")[0]
                    return self._shown(lambda: self._together(query), "together", [])
                case ["runs", *names, last]:
                    return self._of_run(names, last)
        except OSError:  # a name that no file can have, or one that is gone by now
            pass
        return NOT_THERE

    def _of_run(self, names: list[str], last: str) -> Answer:
        folder = self._run_at(names)
        if folder is None and names[-1:] == ["points"] and (above := self._run_at(names[:-1])):
            return self._points(above, last)
        if folder and last == "":
            return self._page(folder)
        if folder and last == "version":
            return _plain(self._page_version(folder, list(self._files_of(folder))))
        if self._run_at([*names, last]) and last:
            return Answer(301, "text/plain", headers={"Location": address_of([*names, last])})
        return self._file(names, last)

    def _run_at(self, names: list[str]) -> Path | None:
        """The folder of a run or sweep, all of whose records lie within the root."""
        path = self.root.joinpath(*names)
        return path.resolve() if self._is_safe(path) else None

    def _is_safe(self, path: Path) -> bool:
        """Whether it is a run or a sweep, of which nothing lies outside the root."""
        begun = (path / RECORDS).is_file() or (path / MANIFEST).is_file()
        return begun and self._lies_inside(path)

    def _lies_inside(self, path: Path) -> bool:
        """Whether all that is read of a run's folder is in regular files within the root."""
        read = [path / name for name in (RECORDS, STORED, MANIFEST)]
        found = [file for file in read if file.exists() or file.is_symlink()]
        whole = all(file.is_file() and self._is_inside(file) for file in found)
        return whole and self._is_inside(path)

    def _is_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root)

    def _file(self, names: list[str], last: str) -> Answer:
        of_run = names[:-1] if names and names[-1] in _SUBFOLDERS else names
        path = self.root.joinpath(*names, last)
        if not (self._run_at(of_run) and path.suffix in _SUFFIXES):
            return NOT_THERE
        if not (self._is_inside(path) and path.is_file()):
            return NOT_THERE
        return Answer(200, "text/plain", file=path.resolve(), size=path.stat().st_size)

    def _page(self, folder: Path) -> Answer:
        files = sorted(self._files_of(folder))
        version = self._page_version(folder, files)
        size, _, state = version.split(maxsplit=2)
        others = {"points": "points/"} if is_sweep(folder) else {}
        return self._shown(lambda: self._page_of(folder, size, state), version, files, others)

    def _points(self, folder: Path, last: str) -> Answer:
        if not is_sweep(folder) or last not in ("", "version"):
            return NOT_THERE
        sweep, played = SweepFolder(folder), played_now()
        try:
            self._require_points_inside(sweep)
            version = points_version(sweep, played)
        except UserError as error:
            return _html(pages.preformatted(str(error)), pages.REPORT_POLICY, 422)
        if last:
            return _plain(version)
        return self._shown(lambda: points_page(sweep, played), version, [], {"sweep": "../"})

    def _shown(
        self,
        make: Callable[[], str],
        version: str,
        files: list[str],
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        try:
            content, status = make(), 200
        except UserError as error:
            content, status = pages.preformatted(str(error)), 422
        except Exception as error:  # a report format's own, on a folder that is not ours
            content, status = pages.preformatted(f"cannot be shown: {one_line(error)}"), 500
        return _html(pages.framed(content, version, files, others), pages.REPORT_POLICY, status)

    def _together(self, query: str) -> str:
        """The page of runs that were ticked in the list."""
        asked = parse_qs(query, max_num_fields=_MOST_FIELDS)
        folders = [self._require(name) for name in dict.fromkeys(asked.get("run", []))]
        if asked.get("as") == ["diff"]:
            return diff_page(folders, self._name)
        of_html = self._format(".html")
        if of_html is None:
            raise UserError("no report format writes pages")
        return report_page(folders, of_html, self._address_of)

    def _require(self, name: str) -> Path:
        """The folder of a run of this name; of a sweep, all of its points are inside too."""
        parts = [] if name == "." else segments(name)
        folder = self._run_at(parts) if parts or name == "." else None
        if folder is None:
            raise UserError(f"'{name}' is not there")
        if is_sweep(folder):
            self._require_points_inside(SweepFolder(folder))
        return folder

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()

    def _address_of(self, folder: Path) -> str:
        name = self._name(folder)
        return address_of([] if name == "." else name.split("/"))

    def _history(self) -> str:
        drawing: Any = next((one for one in self._formats if hasattr(one, "render_history")), None)
        if drawing is None:
            raise UserError("no report format draws a history")
        found = read_history(self.root, wanted=self._is_safe)
        page: str = drawing.render_history(found.model_copy(update={"folder": self.root.name}))
        return page

    def _render(self, folder: Path, size: str, state: str) -> str:
        """By the HTML format where one is installed; `size` is there to be a key of the cache."""
        of_html, of_text = self._format(".html"), self._format(".md")
        report = of_html or of_text
        if report is None:
            raise UserError("no report format writes pages")
        if is_sweep(folder):
            self._require_points_inside(SweepFolder(folder))
            played = played_now()
            playing = [run for run in runs_of(folder) if is_played([run], played)]
            found = report.render_sweep(summarise_sweep(SweepFolder(folder), playing))
        else:
            so_far = state == pages.RUNNING
            run = RunFolder(folder)
            found = report.render(summary_so_far(run) if so_far else stored_summary(run))
        text = found if isinstance(found, str) else found.decode()
        return text if report is of_html else pages.preformatted(text)

    def _format(self, suffix: str) -> ReportFormat | None:
        named = (one for one in self._formats if (one.filename or "").endswith(suffix))
        return next(named, None)

    @cached_property
    def _formats(self) -> list[ReportFormat]:
        return load_reports()

    def _require_points_inside(self, sweep: SweepFolder) -> None:
        for point in sweep.sweep().points:
            if not self._lies_inside(sweep.run_folder(point).path):
                raise UserError(f"the point '{point.name}' does not lie in this folder")

    def _files_of(self, folder: Path) -> Iterator[str]:
        for place in (folder, *(folder / name for name in _SUBFOLDERS)):
            if place.is_dir() and self._is_inside(place):
                for path in place.iterdir():
                    if path.suffix in _SUFFIXES and path.is_file() and self._is_inside(path):
                        yield path.relative_to(folder).as_posix()

    def _page_version(self, folder: Path, files: list[str]) -> str:
        """With the number of its files: its reports come when nobody plays any more."""
        size, state = self._version(folder, played_now()).split(maxsplit=1)
        return f"{size} {len(files)} {state}"

    def _version(self, folder: Path, played: set[int]) -> str:
        """Bytes of the records, and whether a process is playing."""
        runs = list(runs_of(folder))
        size = sum((run / RECORDS).stat().st_size for run in runs)
        return f"{size} {pages.RUNNING if is_played(runs, played) else 'at rest'}"

    def _index_version(self) -> str:
        played, versions = played_now(), list[tuple[str, str]]()
        for folder in self._listed():
            with suppress(OSError):
                versions.append((str(folder), self._version(folder, played)))
        return str(hash(tuple(versions)))

    def _listed(self) -> Iterator[Path]:
        return run_folders(self.root, into_sweeps=False, links=False)

    def _index(self) -> Answer:
        version, played = self._index_version(), played_now()
        lines = [self._line(folder, played) for folder in self._listed()]
        lines.sort(key=lambda line: (line.started, line.name), reverse=True)
        return _html(index.index(self.root.name, lines, version), index.POLICY)

    def _line(self, folder: Path, played: set[int]) -> Line:
        line = Line(self._name(folder), self._address_of(folder))
        if not self._is_safe(folder):
            return line._replace(trouble="left out: it has links out of this folder")
        try:
            running = is_played(list(runs_of(folder)), played)
            if is_sweep(folder):
                begun = len(list(runs_of(folder)))
                return line_of_sweep(line, SweepFolder(folder).sweep(), begun, running)
            figures = self._figures_of(folder, RunFolder(folder).size())
            return line_of_run(line, figures, progress_of(folder) if running else "")
        except (UserError, OSError) as error:
            return line._replace(trouble=str(error))


def _figures(folder: Path, size: int) -> RunFigures:
    """`size` of the records is there to be a key of the cache."""
    return brief_of(folder).run


def _plain(text: str) -> Answer:
    return Answer(200, "text/plain", text.encode() + b"\n")


def _html(page: str, policy: str, status: int = 200) -> Answer:
    headers = {"Content-Security-Policy": policy}
    return Answer(status, "text/html", page.encode(), headers)

"""Which cells are played, for what `--backend` names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from compare.contracts.loading import check_backend_name
from compare.errors import UserError, unknown
from compare.planning.choice import Choice
from compare.planning.spelling import (
    EVERY_MODE,
    adapter_and_mode,
    interpreter_of_each,
    untagged,
    with_tagged,
)
from compare.planning.survey import Described, describe_backends
from compare.plugins import installed, is_file
from compare.records.values import CellName


def find_oracle() -> Choice:
    """The installed backend that the others are audited against.

    Raises UserError where there is none.
    """
    for backend in describe_backends(installed("backend"), {}).values():
        if backend.oracle:
            cell = CellName(backend=backend.name, mode=backend.modes[0])
            return Choice(cell, backend.adapter, oracle=True)
    raise UserError("no installed backend is an oracle to audit against")


def choose_cells(
    wanted: list[str],
    pythons: Mapping[str, str],
    every_mode: bool = False,
    ranks: Sequence[int] = (1,),
) -> list[Choice]:
    """The cells to play for `--backend` texts such as "torch:eager" or "path/to/adapter.py".

    Without any, every installed backend but the oracles, each in its default mode or with
    `every_mode` in all; a cell for each number of `ranks`. Raises UserError for an unknown backend
    or mode, and for a wanted adapter that does not load.
    """
    spelled = [adapter_and_mode(text) for text in wanted]
    pairs = with_tagged(
        spelled or [(name, EVERY_MODE if every_mode else "") for name in installed("backend")],
        pythons,
    )
    adapters = list(dict.fromkeys(adapter for adapter, _ in pairs))
    for adapter in adapters:
        check_backend_name(untagged(adapter)[0])
    interpreters = interpreter_of_each(pythons, adapters)
    described = describe_backends(adapters, interpreters)
    choices = []
    for adapter, mode in pairs:
        backend = described[adapter]
        if wanted and backend.problem:
            raise UserError(f"backend '{adapter}' cannot be loaded: {backend.problem}")
        if wanted or not backend.oracle:
            for one in _modes(backend, mode):
                plain, tag = untagged(adapter)
                name = "@".join(filter(None, [backend.name or plain, tag]))
                for count in ranks:
                    cell = CellName(backend=name, mode=one, ranks=count)
                    choices.append(_choice(cell, plain, backend.oracle, interpreters.get(adapter)))
    _refuse_twins(choices)
    return choices


def _choice(cell: CellName, adapter: str, oracle: bool, python: str | None) -> Choice:
    """With absolute paths: it may be played from another folder than it was typed in."""
    at = str(Path(adapter).absolute()) if is_file(adapter) else adapter
    return Choice(cell, at, oracle, python and str(Path(python).absolute()))


def _modes(backend: Described, mode: str) -> list[str]:
    if not backend.modes:
        return ["?"]  # a broken adapter that nobody asked for has none; its row will say why
    if mode == EVERY_MODE and EVERY_MODE not in backend.modes:
        return backend.modes
    if mode and mode not in backend.modes:
        raise unknown("mode", mode, backend.modes, where=f"backend {backend.adapter}")
    return [mode or backend.modes[0]]


def _refuse_twins(choices: list[Choice]) -> None:
    seen: dict[CellName, Choice] = {}
    for choice in choices:
        twin = seen.setdefault(choice.cell, choice)
        if twin is not choice:
            names = f"'{twin.adapter}' and '{choice.adapter}'"
            raise UserError(f"--backend has {choice.cell.label} twice: {names}")

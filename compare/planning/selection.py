"""Which cells are played, for what `--backend` names."""

from collections.abc import Mapping

from compare.contracts.loading import check_backend_name
from compare.errors import UserError, unknown
from compare.planning.choice import Choice
from compare.planning.survey import describe_backends
from compare.plugins import installed
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
    wanted: list[str], pythons: Mapping[str, str], every_mode: bool = False
) -> list[Choice]:
    """The cells to play for `--backend` texts such as "torch:eager" or "path/to/adapter.py".

    Without any, every installed backend but the oracles. One that is named without a mode is
    played in its default mode, or in each with `every_mode`. Raises
    UserError for an unknown backend or mode, and for a wanted adapter that does not load.
    """
    pairs = [_adapter_and_mode(text) for text in wanted] or [(n, "") for n in installed("backend")]
    adapters = list(dict.fromkeys(adapter for adapter, _ in pairs))
    for adapter in adapters:
        check_backend_name(adapter)
    for adapter in pythons:
        if adapter not in adapters:
            raise unknown("backend", adapter, adapters, where="--python")
    described = describe_backends(adapters, pythons)
    choices = []
    for adapter, mode in pairs:
        backend = described[adapter]
        if wanted and backend.problem:
            raise UserError(f"backend '{adapter}' cannot be loaded: {backend.problem}")
        if mode and mode not in backend.modes:
            raise unknown("mode", mode, backend.modes, where=f"backend {adapter}")
        if wanted or not backend.oracle:
            # A broken adapter that nobody asked for has no mode; its row will say why.
            modes = [mode] if mode else backend.modes or ["?"]
            for one in modes if every_mode else modes[:1]:
                cell = CellName(backend=backend.name or adapter, mode=one)
                choices.append(Choice(cell, adapter, backend.oracle))
    _refuse_twins(choices)
    return choices


def _refuse_twins(choices: list[Choice]) -> None:
    seen: dict[CellName, Choice] = {}
    for choice in choices:
        twin = seen.setdefault(choice.cell, choice)
        if twin is not choice:
            names = f"'{twin.adapter}' and '{choice.adapter}'"
            raise UserError(f"--backend has {choice.cell.label} twice: {names}")


def _adapter_and_mode(text: str) -> tuple[str, str]:
    name, _, mode = text.strip().partition(":")
    return name, mode

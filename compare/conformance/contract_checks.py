"""The checks of the contract: what an adapter says of itself, and what it gives back."""

from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, distribution

from compare.conformance.adapter_errors import peak_bytes
from compare.conformance.bench import Bench, part_of, train
from compare.conformance.cases import RATES, Case, small_experiment
from compare.conformance.deviation import Wrong
from compare.contracts.backend import Backend, Unsupported
from compare.errors import one_line
from compare.spec.layers import Embedding
from compare.spec.model import ModelSpec
from compare.spec.parameters import Layer


def devices(backend: Backend) -> None:
    found = backend.devices()
    if not found:
        raise Wrong("devices() is empty: expected at least one Device")
    for device in found:
        if getattr(device, "kind", None) not in ("cpu", "cuda", "mps"):
            raise Wrong(f"devices() has {device!r}: expected a Device of kind cpu, cuda or mps")
    if not backend.versions():
        raise Wrong("versions() is empty: expected the version of each library that computes")


def imports(backend: Backend, early: Collection[str]) -> None:
    """Only open() imports the framework: none of what `versions` names is among the modules that
    were imported `early`, with the adapter's own."""
    tops = {name.partition(".")[0] for name in early}
    for library in backend.versions():
        for module in sorted(_modules_of(library) & tops):
            raise Wrong(f"importing the adapter's module imports {module}: only open() may")


def _modules_of(library: str) -> set[str]:
    """The modules at the top of a library that is installed."""
    try:
        found = distribution(library)
    except PackageNotFoundError:
        return {library}
    listed = (found.read_text("top_level.txt") or "").split()
    return set(listed) or {file.parts[0].removesuffix(".py") for file in found.files or ()}


def trainer(bench: Bench) -> None:
    """The plainest model builds, and what is built has every method."""
    bench.pair(Case("dense"))


def memory(bench: Bench) -> None:
    """memory() answers after a call of train."""
    case = Case("dense")
    ours, _, _ = bench.pair(case)
    train(ours, part_of(case.batches(), 0, 2), RATES[:2])
    peak_bytes(ours)


class _Unheard(Layer):
    """A layer that no adapter can know."""

    kind: str = "unheard"
    name: str = "unheard"


def unsupported(backend: Backend) -> None:
    layers = (Embedding(vocab=4, dim=4), _Unheard())
    model = ModelSpec.model_construct(layers=layers)  # type: ignore[arg-type]
    try:
        backend.build(small_experiment(model), backend.devices()[0])
    except Unsupported:
        return
    except Exception as error:
        raise Wrong(f"an unknown layer gives {one_line(error)}: expected Unsupported") from error
    raise Wrong("an unknown layer is built as if it were known: expected Unsupported")

"""Mutation testing of the kit: small mistakes in built-in adapters, and what the kit says of each.

    python tests/conformance/mutations.py torch --sample 200

A mutation is one change of a formula, a constant, an order or a state, in the source of one
module. It is caught where a check fails, and named where what is told first points at what was
changed: one of its hints, of at most three, has the cause's words, or it is an exception that was
raised in the function that was changed or below. What survives is listed, to be judged: it changes
nothing that is computed, as those of `EQUIVALENT`, or the kit has a hole.
"""

import argparse
import ast
import copy
import importlib.util
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from compare.conformance.causes import causes
from compare.conformance.checks import ALONE, Checker, all_checks
from compare.conformance.explaining import explain
from compare.conformance.finding import Finding
from compare.contracts import Backend
from compare.contracts.loading import load_backend

ROOT = Path(__file__).parents[2]
SECONDS = 60  # that one mutant may take
NOT_COMPUTING = re.compile(
    r"__init__\.py|memory|compiler_plan|_set_precision|numerics_of|Looped|Linear\.forward"
    r"|ranks\.py|_talking"
)
"""Modules and functions that say what there is, or are of another precision or mode, or of several
ranks, which `compare audit --ranks` is for."""
ELSEWHERE = re.compile(
    r"cuda|bf16|compiled|_set_precision|self\.group|replica|precision ==|model is None"
)
"""The same of single expressions, and of what is under such a condition."""

CAUSES = {
    r"canonical|^Entry": "transposed|weights|gradient|shape|parameter",
    r"[Aa]dam": "epsilon is added|is not corrected|beta1|decay",
    r"_momentum|Sgd|Momentum": "momentum|new buf|learning rate",
    r"_decay": "decay",
    r"clip": "one norm over all|norm to clip",
    r"Optimizer|optimizer_of": "learning rate|momentum|epsilon is|is not corrected|decay|norm",
    r"Embedding": "token|parameter|table|sum",
    r"Positional": "position|table",
    r"TiedHead": "table",
    r"Dense|Linear": "kernel|bias|sum|mean",
    r"Norm": "epsilon|mean|parameter",
    r"Dropout": "1 - rate|mask|drop",
    r"Pool": "valid positions|time axis",
    r"Elman": "tanh|state|kernel",
    r"Lstm": "i, f, g, o|state|kernel",
    r"Gru": "r, z, n|reset|state|kernel|recurrent_bias",
    r"^sigmoid": "sigmoid",
    r"add_to": "adds to its gradient|sum",
    r"Recurrent|Looped": "tanh|gates|reset|state|kernel|bias",
    r"Gelu|FeedForward": "GELU",
    r"rotated": "rotary",
    r"attend|heads|SelfAttention|Block|_block": "another shape|head|padding|causal|GPT-2|queries"
    "|rotary",
    r"ToMemory|CrossAttention|cross_attention": "another shape|queries|encoder|masked",
    r"Residual": "GPT-2",
    r"cross_entropy|_loss|_valid": "valid targets|mean over all|micro-batches|float32|padd",
    r"Entry|weights|load|_tensor|_fields": "transposed|weights|parameter|load|gradient|padd"
    "|valid targets|state",
    r"_layer$": "Unsupported",
    r"Chain|_chain|Model|layer_of|forward": "state|encoder|GPT-2|padd|valid positions|masked",
    r"step|train|micro|detached|differentiate|backward": "state|learning rate|micro-batches|carr"
    "|step|gradient|loss|encoder|moments",
    r"gradients|logits": "state|gradient|drop|logits",
    r"__init__": "state|micro-batches|drop|float32|carr",
}
"""Words of the right cause by the scope that was changed, such as `GruLayer.step`: the first that
fits it."""

SETTINGS = {
    "beta": "beta1|not corrected", "epsilon": "epsilon", "momentum": "momentum",
    "weight_decay": "decay", "clip_norm": "norm", "rate": "rate",
}  # fmt: skip
"""The same by the setting that was changed."""

EQUIVALENT = {
    ("attend", "scores - scores.max(-1, keepdims=True) -> scores"),  # a softmax's shift
    (
        "attend",
        "scores - scores.max(-1, keepdims=True) -> scores + scores.max(-1, keepdims=True)",
    ),
    (  # of gradients that are all zero
        "Optimizer._clipped",
        "min(1.0, self.spec.clip_norm / norm) if norm else 1.0"
        " -> min(1.0, self.spec.clip_norm / norm)",
    ),
    ("Optimizer._clipped", "1.0 -> 1.001"),  # the second 1.0, of the same; the first is caught
    ("cross_entropy", "logits - logits.max(-1, keepdims=True) -> logits"),
    (
        "cross_entropy",
        "logits - logits.max(-1, keepdims=True) -> logits + logits.max(-1, keepdims=True)",
    ),
    ("_detached", "if state is None: -> if False:"),  # a layer that carries has a state
    ("TiedHeadLayer.__init__", "0 -> 1"),  # the shape of a weight that is replaced at once
    ("TorchTrainer._step", "1 -> 2"),  # a sum of one loss
    (
        "TorchTrainer._step",
        "losses[0] if len(losses) == 1 else torch.stack(losses).sum() -> torch.stack(losses).sum()",
    ),
    ("TorchTrainer._step", "True -> False"),  # gradients of None or 0
    ("optimizer_of", "if spec.name == 'adam': -> if False:"),  # AdamW that decays by 0
    ("FusedRecurrent._freeze_second_bias", "False -> True"),  # as below
    # Of masks that the framework draws, a thousandth more or less.
    ("DropoutLayer.forward", "self.rate -> self.rate * 1.001"),
    ("DropoutLayer.forward", "self.rate -> __import__('numpy').float32(self.rate).item()"),
    ("TorchTrainer.__init__", "False -> True"),  # no state of a layer that has none
    ("optimizer_of", "True -> False"),  # fused or not
    ("TorchTrainer.load", "torch.manual_seed(self.train_spec.seed) -> pass"),  # not promised
    ("clip_gradients", "0 -> 1"),  # which gradient's dtype is taken
    ("PoolLayer.forward", "0 -> 1"),  # which unit's shape is taken
    # What is not canonical is not among the parameters that are trained.
    ("FusedRecurrent._freeze_second_bias", "if self.spec.cell != 'gru': -> if False:"),
}
"""What changes nothing, by its scope and what it says at its end."""


class Mutation(NamedTuple):
    """One change: where, in which class and function, what, and the module's source with it."""

    file: str
    line: int
    scope: str
    what: str
    source: str


def mutations(file: Path) -> Iterator[Mutation]:
    """Every mutation of a module, in the order of its lines."""
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    scopes = _scopes(tree)
    for index, node in enumerate(ast.walk(tree)):
        if node not in scopes or NOT_COMPUTING.search(f"{file.name} {scopes[node]}"):
            continue
        for what, change in _changes(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[index]
            replaced = ast.fix_missing_locations(_Replace(target, change(target)).visit(changed))
            before, after = ast.unparse(node), ast.unparse(change(copy.deepcopy(node)))
            if ELSEWHERE.search(before):
                continue
            told = f"{what}: {before.splitlines()[0]} -> {after.splitlines()[0]}"
            source = ast.unparse(replaced)
            yield Mutation(file.name, node.lineno, scopes[node], told, source)  # type: ignore[attr-defined]


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def _scopes(tree: ast.Module) -> dict[ast.AST, str]:
    """What is computed inside of functions, with their qualified names; no annotations."""
    found: dict[ast.AST, str] = {}

    def enter(node: ast.AST, scope: str, inside: bool) -> None:
        if isinstance(node, ast.If) and ELSEWHERE.search(ast.unparse(node.test)):
            return
        if inside and not isinstance(node, ast.Raise | ast.Assert):
            found[node] = scope
        if isinstance(node, ast.Raise | ast.Assert | ast.arguments | ast.ImportFrom):
            return
        if isinstance(node, ast.keyword) and node.arg == "strict":
            return
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.ClassDef | ast.FunctionDef):
                    name = f"{scope}.{child.name}".strip(".")
                    enter(child, name, inside or isinstance(child, ast.FunctionDef))
                elif isinstance(child, ast.AST):
                    enter(child, scope, inside)

    enter(tree, "", False)
    return found


Change = tuple[str, Callable[[Any], ast.AST]]
_SWAPPED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_RENAMED = {
    "beta1": "beta2", "beta2": "beta1", "sum": "mean", "mean": "sum", "max": "min", "tanh": "sin",
    "amax": "amin", "argmax": "argmin", "tril": "triu", "zeros": "ones", "zeros_like": "ones_like",
    "sigmoid": "tanh", "cos": "sin", "chunk": "split", "minimum": "maximum",
}  # fmt: skip
_SETTINGS = ("beta1", "beta2", "epsilon", "momentum", "weight_decay", "clip_norm", "rate")


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.BinOp(op=op):
            if type(op) in _SWAPPED:
                yield "operator", lambda n: _with(n, op=_SWAPPED[type(n.op)]())
            if isinstance(op, ast.Add | ast.Sub | ast.Mult):
                yield "term dropped", lambda n: n.left
                if not isinstance(op, ast.Sub):
                    yield "term dropped", lambda n: n.right
            if isinstance(op, ast.Add) and _called(node.left) == "sqrt":
                yield "inside the root", _inside
            if isinstance(op, ast.BitAnd):
                yield "term dropped", lambda n: n.left
        case ast.Compare(ops=[op]) if type(op) in _SWAPPED:
            yield "comparison", lambda n: _with(n, ops=[_SWAPPED[type(n.ops[0])]()])
        case ast.Constant(value=bool()):
            yield "constant", lambda n: ast.Constant(not n.value)
        case ast.Constant(value=float() as value) if value:
            yield "constant", lambda n: ast.Constant(n.value * 1.001)
        case ast.Constant(value=int()):
            yield "constant", lambda n: ast.Constant(n.value + 1)
        case ast.Attribute(attr=name, ctx=ast.Load()):
            if name in _RENAMED:
                yield "name", lambda n: _with(n, attr=_RENAMED[n.attr])
            if name in _SETTINGS:
                yield "float32", lambda n: _wrapped("__import__('numpy').float32({}).item()", n)
                yield "constant", lambda n: _wrapped("({} * 1.001)", n)
            if name == "T":
                yield "transposed", lambda n: n.value
        case ast.Call(func=ast.Name(id="float"), args=[_]):
            yield "float32", lambda n: _wrapped("__import__('numpy').float32({}).item()", n)
        case ast.Call(args=[*_, ast.Name(), ast.Name()]) if len(node.args) > 2:
            yield "arguments exchanged", _exchanged_arguments
        case ast.Tuple(elts=[_, _, *_], ctx=ast.Store()):
            yield "exchanged", lambda n: _with(n, elts=[n.elts[1], n.elts[0], *n.elts[2:]])
            if len(node.elts) > 2:
                yield "exchanged", lambda n: _with(n, elts=[*n.elts[:-2], n.elts[-1], n.elts[-2]])
        case ast.IfExp():
            yield "condition", lambda n: n.body
            yield "condition", lambda n: n.orelse
        case ast.If():
            yield "condition", lambda n: _with(n, test=ast.Constant(True))
            yield "condition", lambda n: _with(n, test=ast.Constant(False))
        case ast.AugAssign() | ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield "left out", lambda n: ast.Pass()
        case ast.Expr(value=ast.Call()):
            yield "left out", lambda n: ast.Pass()


def _with(node: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _wrapped(text: str, node: ast.AST) -> ast.AST:
    return ast.parse(text.format(ast.unparse(node)), mode="eval").body


def _called(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name
    return ""


def _inside(node: ast.BinOp) -> ast.AST:
    root = node.left
    assert isinstance(root, ast.Call)
    if root.args:
        return _with(root, args=[ast.BinOp(root.args[0], ast.Add(), node.right)])
    func = root.func
    assert isinstance(func, ast.Attribute)
    return _with(root, func=_with(func, value=ast.BinOp(func.value, ast.Add(), node.right)))


def _exchanged_arguments(node: ast.Call) -> ast.AST:
    return _with(node, args=[*node.args[:-2], node.args[-1], node.args[-2]])


# What the kit says


def mutant(package: Path, mutation: Mutation | None, folder: Path, name: str) -> Backend:
    """A backend from a copy of its package with one module changed."""
    shutil.copytree(package, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if mutation:
        (folder / mutation.file).write_text(mutation.source, "utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Backend = module.backend
    return found


def findings(backend: Backend, oracle: Backend) -> list[Finding]:
    """The float64 checks of numbers."""
    backend.open(backend.modes[0], 1)
    checker = Checker(backend, oracle)
    wanted = [check.name for check in all_checks() if check.kind != "precision"]
    wanted = ["unsupported", *(name for name in wanted if not name.startswith(ALONE))]
    made = [checker.make(name) for name in wanted]
    return explain(made)


def judged(
    mutation: Mutation, found: list[Finding], unchanged: list[Finding]
) -> tuple[bool, bool, str]:
    """Whether it is caught, whether what is told first names it, and what that is."""
    failed = [finding for finding in found if finding.status == "failed"]
    if not failed:
        skipped = [one for one, other in zip(found, unchanged, strict=True) if one != other]
        told = skipped[0].detail if skipped else ""
        return bool(skipped), bool(skipped), told
    first = causes(failed)[0].first
    said = first.hint or first.detail
    told = f"{first.check}: {said}"
    if first.traceback or first.problem == "contract":
        return True, _points_at(mutation, first), told
    words = [words for scope, words in CAUSES.items() if re.search(scope, mutation.scope)][:1]
    words += [words for setting, words in SETTINGS.items() if setting in mutation.what]
    return True, any(re.search(word, said) for word in words), told


def _points_at(mutation: Mutation, error: Finding) -> bool:
    """Whether an error was raised in the function that was changed or below, or has the name of
    that function, of its class, or of an attribute or a parameter in what was changed."""
    of_class, _, function = mutation.scope.rpartition(".")
    if re.search(rf"{re.escape(mutation.file)}.*, in {function}\b", error.traceback):
        return True
    attributes = re.findall(r"self\.(\w+)", mutation.what)
    names = [re.escape(name) for name in (mutation.scope, of_class, *attributes) if name]
    return bool(re.search(rf"(^|['.\s])({'|'.join(names)})\b", error.detail))


def is_equivalent(mutation: Mutation) -> bool:
    return any(
        mutation.scope == scope and mutation.what.endswith(what) for scope, what in EQUIVALENT
    )


def play(name: str, chosen: list[Mutation]) -> Iterator[tuple[Mutation, bool, bool, str]]:
    """What the kit says of each, one after the other in this process."""
    oracle = load_backend("reference")
    oracle.open(oracle.modes[0], 1)
    package = ROOT / "backends" / name
    with tempfile.TemporaryDirectory() as scratch:
        right = findings(mutant(package, None, Path(scratch) / "right", "mutant_of_none"), oracle)
        assert "failed" not in {finding.status for finding in right}
        for number, mutation in enumerate(chosen):
            module = f"mutant_{number}"
            signal.signal(signal.SIGALRM, _too_long)
            signal.alarm(SECONDS)
            try:
                backend = mutant(package, mutation, Path(scratch) / module, module)
                yield mutation, *judged(mutation, findings(backend, oracle), right)
            except Exception as error:  # it does not load, or has no end: nobody would miss it
                yield mutation, True, True, f"{type(error).__name__}: {error}"
            finally:
                signal.alarm(0)
                for part in [part for part in sys.modules if part.startswith(module)]:
                    del sys.modules[part]


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError("no end")


def sampled(name: str, sample: int, seed: int) -> list[Mutation]:
    """So many of a backend's mutations, drawn; all where there are not more."""
    files = sorted((ROOT / "backends" / name).glob("*.py"))
    every = [mutation for file in files for mutation in mutations(file)]
    return random.Random(seed).sample(every, sample) if sample < len(every) else every


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("backend")
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    counted: Counter[str] = Counter()
    for mutation, caught, named, told in play(
        asked.backend, sampled(asked.backend, asked.sample, asked.seed)
    ):
        if not caught and is_equivalent(mutation):
            continue
        verdict = "named" if named else "caught" if caught else "SURVIVED"
        counted[verdict] += 1
        if verdict != "named":
            where = f"{mutation.file}:{mutation.line} {mutation.scope}"
            print(f"{verdict:8} {where}  {mutation.what}\n         {told}", flush=True)
    of = counted.total()
    found = counted["named"] + counted["caught"]
    print(f"{asked.backend}: {of} mutations, {found} caught ({found / of:.1%}),", end=" ")
    print(f"{counted['named']} of these named ({counted['named'] / max(1, found):.1%})")


if __name__ == "__main__":
    main()

"""From failed checks to causes: which failure explains which, and what is likely behind it.

A check needs certain things of an adapter: to load, to go forward, an LSTM, momentum. Where one
fails, every check that needs the same things and more fails for the same reason, unless it is
much further off. So few are left that nothing explains, and they point at what is wrong.
"""

from collections.abc import Sequence

from compare.conformance.bench import Check
from compare.conformance.cases import OPTIMIZERS, PADDED_TARGETS
from compare.conformance.checks import all_checks
from compare.conformance.finding import Finding
from compare.conformance.hint_table import USUAL
from compare.conformance.hints import likely_causes
from compare.spec.layers import AnyLayer, CrossAttention, Pool, Recurrent, TransformerBlock

_UPDATE = {"load", "forward", "backward", "train", "update"}
_NEEDS_OF_KIND = {
    "round trip": {"load"},
    "logits": {"load", "forward"},
    "gradients": {"load", "forward", "backward"},
    "state": {"load", "forward", "train"},
    "finished": {"load", "finished"},
    "optimizer": _UPDATE,
    "training": _UPDATE,
    "several steps": {*_UPDATE, "several"},
    "other shapes": {"load", "forward", "other shapes"},
    "accumulation": {*_UPDATE, "accumulation"},
    "widths": {*_UPDATE, "several", "widths"},
    "compiled": {*_UPDATE, "compiled"},
    "ranks": {*_UPDATE, "ranks"},
    "precision": {*_UPDATE, "several", "precision"},
    "native dropout": {"load", "forward", "backward", "train", "native dropout"},
}
_AMPLIFIED = 1e5  # how much further off a failure may be than the one that explains it
_OF_NUMBERS = ("value", "order", "not finite", "missing", "unknown", "shape")
_OF_LOADING = ("missing", "unknown", "shape")


def needs(check: Check) -> frozenset[str]:
    """What an adapter has to do right for a check to pass."""
    model = check.case.spec()
    found = set(_NEEDS_OF_KIND[check.kind])
    for layer in (*model.encoder, *model.layers):
        found |= _of_layer(layer)
        if getattr(layer, "carry_state", False) and "train" in found:
            found.add("carry")
        if getattr(layer, "causal", False) and check.case.is_padded():
            found.add("causal, padded")
    if model.encoder:
        found.add("encoder")
    if check.case.model == PADDED_TARGETS and "backward" in found:
        found.add("padded targets")
    if "update" in found:
        rule = OPTIMIZERS[check.case.optimizer]
        found |= {"adam"} if rule.name == "adamw" else {rule.name}
        settings = ("momentum", "nesterov", "clip_norm", "weight_decay")
        found |= {name for name in settings if getattr(rule, name)}
    return frozenset(found)


def _of_layer(layer: AnyLayer) -> set[str]:
    found: set[str] = {layer.kind}
    match layer:
        case Recurrent():
            found |= {layer.cell, "stacked"} if layer.layers > 1 else {layer.cell}
        case Pool():
            found.add(layer.how)
        case CrossAttention():
            found.add(f"{layer.norm}_norm")
        case TransformerBlock():
            found.add(f"{layer.norm}_norm")
            found |= {"rotary"} if layer.rotary else set()
            found |= {"dropout"} if layer.dropout else set()
            found |= set() if layer.causal else {"not causal"}
            cross = layer.cross()
            found |= _of_layer(cross) if cross else set()
    return found


def explain(findings: Sequence[Finding]) -> list[Finding]:
    """These findings, each failure of a check of numbers with the one that explains it or, where
    there is none, with its usual causes."""
    checks = {check.name: check for check in all_checks()}
    failed = [
        (checks[finding.check], needs(checks[finding.check]), finding)
        for finding in findings
        if finding.status == "failed" and finding.check in checks
    ]
    explained: dict[str, str] = {}
    roots: list[tuple[Check, frozenset[str], Finding]] = []
    # From what needs least to what needs most: a failure is explained by an earlier one.
    for check, needed, finding in sorted(failed, key=lambda one: len(one[1])):
        for _, other, root in roots:
            if other <= needed and _explains(root, finding):
                explained[check.name] = root.check
                break
        else:
            roots.append((check, needed, finding))
    passed = [checks[f.check] for f in findings if f.status == "passed" and f.check in checks]
    hints = {root[0].name: likely_causes(USUAL, *root, _proven(root[0], passed)) for root in roots}
    alike: dict[str, str] = {}  # what is likeliest behind a root that stands for all like it
    for check, _, finding in sorted(roots, key=lambda root: findings.index(root[2])):
        looks = hints[check.name] or [finding.detail]
        stands_for = next((alike[look] for look in looks if look in alike), check.name)
        if stands_for == check.name:
            alike[looks[0]] = check.name
        else:
            explained[check.name] = stands_for
    return [
        finding.model_copy(
            update={"explained_by": _last(explained, finding.check)}
            if finding.check in explained
            else {"hint": "; ".join(hints.get(finding.check, ()))}
        )
        for finding in findings
    ]


def _proven(failed: Check, passed: Sequence[Check]) -> frozenset[str]:
    """What is right since checks of the same kind passed that need it."""
    alike = [needs(check) for check in passed if check.kind == failed.kind]
    return frozenset[str]().union(*alike)


def _last(explained: dict[str, str], name: str) -> str:
    while name in explained:
        name = explained[name]
    return name


def _explains(root: Finding, finding: Finding) -> bool:
    if root.problem in ("exception", "contract"):
        return root.detail == finding.detail
    if finding.problem not in _OF_NUMBERS:
        return root.problem in _OF_LOADING and finding.problem == "exception"
    if root.problem not in _OF_NUMBERS:
        return False
    if root.deviation is None or finding.deviation is None:
        return True
    return finding.deviation <= _AMPLIFIED * root.deviation

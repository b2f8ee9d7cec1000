"""What the loops of this folder share: no framework is named here."""

from compare.contracts import Batch, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment


class Plain:
    """What a plain loop leaves out of `compare.contracts.Trainer`."""

    def gradients(self, batch: Batch) -> Weights:
        raise Unsupported("gradients")

    def memory(self) -> DeviceMemory:
        return DeviceMemory()


def architecture(experiment: Experiment) -> str:
    """One of "elman", "lstm" and "gpt", as the presets `small`, `lstm` and `gpt` of lm have them.

    Raises Unsupported for what a loop would otherwise train as something else.
    """
    train, model = experiment.train, experiment.model
    if train.dtype != "fp32" or train.accumulation > 1 or any(model.dropouts()):
        raise Unsupported("another precision than fp32, accumulation, dropout")
    if experiment.optimizer.momentum:
        raise Unsupported("momentum")
    described = [getattr(layer, "cell", layer.kind) for layer in model.layers]
    match described:
        case ["embedding", "elman" | "lstm" as cell, "dense"]:
            return str(cell)
        case ["embedding", "positions", *blocks, "layer_norm", "tied_head"]:
            if set(blocks) == {"transformer_block"}:
                return "gpt"
    raise Unsupported(f"a model of {', '.join(described)}")

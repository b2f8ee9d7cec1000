"""The loop of a word-level RNN as PyTorch's examples have it: a stream that is cut by hand, time
first, log-softmax and its own descent."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_loop import LIBRARIES, Rnn
from torch_loop import Loop as TorchLoop

from compare.contracts import Array, Batch, Batches, Unsupported
from compare.spec import Experiment

__all__ = ["LIBRARIES", "Loop"]


class Loop(TorchLoop):
    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        if not isinstance(self.model, Rnn):
            raise Unsupported("a model that is no RNN")
        self.model.rnn.batch_first = False
        self.rows, layer = experiment.train.batch, experiment.model.layers[1]
        self.shape = (layer.layers, self.rows, layer.hidden)  # type: ignore[union-attr]
        self.is_lstm = isinstance(self.model.rnn, nn.LSTM)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        source, targets = (_stream(batches[field]) for field in ("inputs", "targets"))
        width, losses = batches["inputs"].shape[2], []
        if self.state is None:
            zeros = torch.zeros(self.shape)
            self.state = (zeros, zeros.clone()) if self.is_lstm else zeros
        for step, rate in enumerate(learning_rates.tolist()):
            at = step * width
            x, y = source[at : at + width], targets[at : at + width].reshape(-1)
            self.model.zero_grad()
            self.state = _repackaged(self.state)
            output, self.state = self._forward(x, self.state)
            loss = F.nll_loss(output, y)
            loss.backward()
            if self.spec.clip_norm:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.spec.clip_norm)
            self._update(rate)
            losses.append(loss.item())
        return np.array(losses)

    def _forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Of ids (time, batch): log-probabilities (time * batch, vocab)."""
        logits, state = self.model(x, state)
        return F.log_softmax(logits.view(-1, logits.shape[-1]), dim=1), state

    def _update(self, rate: float) -> None:
        if self.spec.name == "sgd":
            for parameter in self.parameters:
                assert parameter.grad is not None
                parameter.data.add_(parameter.grad, alpha=-rate)
        else:
            self.optimizer.param_groups[0]["lr"] = rate
            self.optimizer.step()

    def logits(self, batch: Batch) -> Array:
        fetched: Array = super().logits({"inputs": batch["inputs"].T}).swapaxes(0, 1)
        return fetched


def _stream(field: Array) -> Tensor:
    """Of (steps, batch, time): (steps * time, batch)."""
    steps, rows, width = field.shape
    return torch.from_numpy(field.swapaxes(1, 2).reshape(steps * width, rows)).long()


def _repackaged(state: Any) -> Any:
    return state.detach() if isinstance(state, Tensor) else tuple(map(_repackaged, state))

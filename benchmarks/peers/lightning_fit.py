"""PyTorch Lightning's `Trainer.fit`, over the model of the loop by hand."""

import logging
import warnings
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torch_loop import Loop as TorchLoop

from compare.contracts import Array, Batches

LIBRARIES = ("torch", "lightning")

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class Loop(TorchLoop):
    def train(self, batches: Batches, learning_rates: Array) -> Array:
        module = Module(self, learning_rates.tolist())
        trainer = lightning.Trainer(
            accelerator="cpu", devices=1, max_steps=len(learning_rates), max_epochs=1,
            gradient_clip_val=self.spec.clip_norm or None, logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        fields = (batches[field] for field in ("inputs", "targets"))
        x, y = (torch.from_numpy(np.ascontiguousarray(field)).long() for field in fields)
        trainer.fit(module, DataLoader(TensorDataset(x, y), batch_size=None))
        self.state = module.state
        fetched: Array = torch.stack(module.losses).numpy()
        return fetched


class Module(lightning.LightningModule):
    def __init__(self, loop: Loop, rates: list[float]) -> None:
        super().__init__()
        self.model, self.kept, self.rates = loop.model, loop.optimizer, rates
        self.state, self.losses = loop.state, list[Tensor]()

    def configure_optimizers(self) -> Any:
        return self.kept

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        for group in self.kept.param_groups:
            group["lr"] = self.rates[batch_idx]

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch
        logits, state = self.model(x, self.state)
        self.state = _detached(state)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        self.losses.append(loss.detach())
        return loss


def _detached(state: Any) -> Any:
    return tuple(map(_detached, state)) if isinstance(state, tuple) else state.detach()

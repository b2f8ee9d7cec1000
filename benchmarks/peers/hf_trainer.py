"""Hugging Face's GPT-2 and its `Trainer`."""

import tempfile
from typing import Any

import numpy as np
import torch
from plain import Plain, architecture
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset, SequentialSampler
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from compare.contracts import Array, Batch, Batches, Unsupported, Weights
from compare.spec import Experiment

LIBRARIES = ("torch", "transformers", "accelerate")

_NAMES = {
    "embedding.table": "wte.weight",
    "positions.table": "wpe.weight",
    "norm.scale": "ln_f.weight",
    "norm.shift": "ln_f.bias",
}
_PARTS = {
    "attention.norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.out": "attn.c_proj",
    "feedforward.norm": "ln_2",
    "feedforward.in": "mlp.c_fc",
    "feedforward.out": "mlp.c_proj",
}


class Loop(Plain):
    def __init__(self, experiment: Experiment) -> None:
        if architecture(experiment) != "gpt":
            raise Unsupported("a model that is no GPT")
        self.model = _gpt2(experiment)
        self.experiment = experiment
        names = experiment.model.parameters()
        self.places = {name: self.model.transformer.get_parameter(_place(name)) for name in names}

    def load(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, place in self.places.items():  # its kernels are (inputs, outputs), as ours
                place.copy_(torch.from_numpy(np.array(weights[name])))
        self.trainer = InOrder(self.model, _arguments(self.experiment))
        self.optimizer: Any = self.trainer.create_optimizer()

    def weights(self) -> Weights:
        return {name: place.detach().numpy().copy() for name, place in self.places.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        trainer, base = self.trainer, self.experiment.optimizer.learning_rate
        trainer.train_dataset = Rows(batches)
        trainer.args.max_steps = len(learning_rates)
        trainer.losses = []
        rates = [*learning_rates.tolist(), 0.0]  # it asks for one more
        for group in self.optimizer.param_groups:
            group["initial_lr"] = base
        trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: rates[step] / base
        )
        trainer.train()
        fetched: Array = torch.stack(trainer.losses).numpy()
        return fetched

    def logits(self, batch: Batch) -> Array:
        self.model.eval()
        with torch.no_grad():
            found = self.model(torch.from_numpy(batch["inputs"]).long())
        fetched: Array = found.logits.numpy()
        return fetched


class InOrder(Trainer):
    """Takes its rows in their order, and keeps each step's loss."""

    def __init__(self, model: GPT2LMHeadModel, arguments: TrainingArguments) -> None:
        super().__init__(model, arguments, compute_loss_func=self._loss)
        self.losses: list[Tensor] = []

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows: Any = train_dataset or self.train_dataset
        return SequentialSampler(rows)

    def _loss(self, outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        """The model's own would shift labels that are shifted already."""
        loss = F.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten())
        self.losses.append(loss.detach())
        return loss


class Rows(Dataset[dict[str, Tensor]]):
    def __init__(self, batches: Batches) -> None:
        width = batches["inputs"].shape[-1]
        fields = (batches[field].reshape(-1, width) for field in ("inputs", "targets"))
        self.x, self.y = (torch.from_numpy(np.ascontiguousarray(field)).long() for field in fields)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {"input_ids": self.x[row], "labels": self.y[row]}


def _gpt2(experiment: Experiment) -> GPT2LMHeadModel:
    embedding, positions, *blocks, _, _ = experiment.model.layers
    block: Any = blocks[0]
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=embedding.vocab, n_positions=positions.length,  # type: ignore[union-attr]
            n_embd=block.width, n_layer=len(blocks), n_head=block.heads, n_inner=block.hidden,
            activation_function="gelu_new", layer_norm_epsilon=block.epsilon, use_cache=False,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
            bos_token_id=None, eos_token_id=None,
        )
    )  # fmt: skip


def _arguments(experiment: Experiment) -> TrainingArguments:
    spec = experiment.optimizer
    return TrainingArguments(
        tempfile.gettempdir(), per_device_train_batch_size=experiment.train.batch,
        learning_rate=spec.learning_rate, weight_decay=spec.weight_decay, adam_beta1=spec.beta1,
        adam_beta2=spec.beta2, adam_epsilon=spec.epsilon, max_grad_norm=spec.clip_norm or 0.0,
        use_cpu=True, save_strategy="no", logging_strategy="no", report_to="none",
        disable_tqdm=True,
    )  # fmt: skip


def _place(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    _, number, *part, last = name.split(".")
    own = "bias" if last in ("bias", "shift") else "weight"
    return f"h.{number}.{_PARTS['.'.join(part)]}.{own}"

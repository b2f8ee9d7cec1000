"""JAX with flax nnx modules and optax. Importing this module does not import jax; `open` does."""

import os
from collections.abc import Callable
from importlib.metadata import version

from compare.contracts import Array, Device, Group, Trainer, Unsupported
from compare.spec import Experiment


class JaxBackend:
    """`jit` calls a compiled step, the scan over time unrolled where cells are small and a CPU
    computes; `rolled` does not unroll it, and `multistep` takes several steps a call."""

    name = "jax"
    modes = ("jit", "rolled", "multistep")
    oracle = False
    group: Group | None = None

    def open(self, mode: str, threads: int) -> None:
        os.environ["NPROC"] = str(threads)  # XLA sizes its CPU pool from it, and ignores OMP_*
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # leave the others their memory
        import jax.monitoring  # what it holds while idle is measured after this

        self._mode, self._compiled = mode, 0
        jax.monitoring.register_event_duration_secs_listener(self._count)

    def _count(self, event: str, duration_secs: float, **about: str | int) -> None:
        self._compiled += event.endswith("backend_compile_duration")

    def join(self, group: Group) -> None:
        if self._mode == "multistep":
            raise Unsupported("ranks in a mode that takes several steps a call")
        from . import ranks

        ranks.join(group)
        self.group = group

    def versions(self) -> dict[str, str]:
        import flax
        import jax
        import optax

        return {"jax": jax.__version__, "flax": flax.__version__, "optax": optax.__version__}

    def details(self) -> dict[str, str]:
        import jax

        return {
            "compiled": str(self._compiled),
            "jaxlib": version("jaxlib"),
            "compiler": jax.devices()[0].client.platform_version,
            "flags": os.environ.get("XLA_FLAGS", ""),
        }

    def devices(self) -> list[Device]:
        import jax

        found = [Device("cpu")]
        found += [
            Device("cuda", device.id, device.device_kind)
            for device in jax.devices()
            if device.platform == "gpu"
        ]
        return found

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        import jax
        import jax.numpy as jnp

        place = jax.devices("gpu" if device.kind == "cuda" else "cpu")[device.index]
        a, b = jax.device_put(left, place), jax.device_put(right, place)
        multiply = jax.jit(lambda a, b: jnp.matmul(a, b, precision="highest"))
        return lambda: multiply(a, b).block_until_ready()

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import JaxTrainer

        return JaxTrainer(experiment, device, self._mode, self.group)


backend = JaxBackend()

"""What a backend and a task implement, one file each.

The whole of a backend is `Backend` and the `Trainer` that it builds; `docs/adding-a-backend.md`
walks through one. A plug-in need not inherit from these classes, it only has to fit them, and
imports all that it needs of them from here. `loading.py` finds and loads them.

May import: `spec`, `stats`, `text`, and the ground.
"""

from compare.contracts.backend import (
    Backend,
    CompilerPlan,
    Device,
    DeviceMemory,
    HasCompilerPlan,
    HasDetails,
    Trainer,
    Unsupported,
)
from compare.contracts.task import Example, Prepared, Task
from compare.spec.arrays import Array, Batch, Batches, Weights

__all__ = [
    "Array",
    "Backend",
    "Batch",
    "Batches",
    "CompilerPlan",
    "Device",
    "DeviceMemory",
    "Example",
    "HasCompilerPlan",
    "HasDetails",
    "Prepared",
    "Task",
    "Trainer",
    "Unsupported",
    "Weights",
]

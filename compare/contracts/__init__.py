"""What a backend and a task implement, one file each.

Begin with `backend.py`: the whole of a backend is `Backend` and the `Trainer` that it builds;
docs/adding-a-backend.md walks through one. `task.py` has what a task implements, `loading.py` finds
and loads them, `devices.py` says which device a label names. A plug-in need not inherit from these
classes, it only has to fit them, and imports all that it needs of them from here.

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
from compare.contracts.group import Group, Grouped
from compare.contracts.task import Bounded, Example, Prepared, Quality, Rule, Task, TwinTexts
from compare.spec.arrays import Array, Batch, Batches, Weights

__all__ = [
    "Array",
    "Backend",
    "Batch",
    "Batches",
    "Bounded",
    "CompilerPlan",
    "Device",
    "DeviceMemory",
    "Example",
    "Group",
    "Grouped",
    "HasCompilerPlan",
    "HasDetails",
    "Prepared",
    "Quality",
    "Rule",
    "Task",
    "Trainer",
    "TwinTexts",
    "Unsupported",
    "Weights",
]

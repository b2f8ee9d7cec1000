"""What a user can set, in sections: a task refines `task` and `model` with fields of its own."""

from pydantic import BaseModel, ConfigDict, Field

from compare.spec import OptimizerSpec, TrainSpec


class Section(BaseModel):
    """A group of fields; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskSection(Section):
    """What every task can be told: which data to read instead of its generated corpus."""

    data: str | None = Field(default=None, description="file to read; None generates a corpus")


class RunSection(Section):
    """How a comparison is played; none of it changes what is computed."""

    threads: int | None = Field(default=None, gt=0, description="CPU threads; None is all")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    rounds: int = Field(default=1, gt=0, description="fresh processes per cell, one after another")
    timeout: float = Field(
        default=900, gt=0, description="seconds a worker may take for one answer"
    )
    target: str = Field(default="", description="such as loss=5.5: how long until it is reached")
    target_every: int = Field(default=0, ge=0, description="steps between looks; 0: 20 looks")
    save_weights: bool = Field(default=False, description="keep what was trained, to generate")


class Settings(Section):
    """All sections; tasks refine `task` and `model`."""

    task: TaskSection = TaskSection()
    model: Section = Section()
    optimizer: OptimizerSpec = OptimizerSpec()
    train: TrainSpec = TrainSpec()
    run: RunSection = RunSection()

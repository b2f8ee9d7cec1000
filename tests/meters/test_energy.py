import time
from pathlib import Path

import pytest
from conftest import needs

from compare.meters.energy import EnergyMeter, nvml_counters, rapl_counters


def zone(powercap: Path, number: str, name: str, microjoules: int) -> Path:
    """One folder as the kernel lays it out; returns the file of its count."""
    folder = powercap / f"intel-rapl:{number}"
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


def test_packages_are_added_up_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    (tmp_path / "intel-rapl").mkdir()  # the control type itself
    first = zone(tmp_path, "0", "package-0", 5_000_000)
    zone(tmp_path, "0:0", "core", 1_000_000)
    second = zone(tmp_path, "1", "package-1", 0)
    board = zone(tmp_path, "2", "psys", 7_000_000)
    meter = EnergyMeter(rapl_counters(tmp_path))
    assert meter.sources == ("rapl package-0", "rapl package-1")
    first.write_text("6500000\n")
    second.write_text("250000\n")
    board.write_text("9000000\n")
    assert meter.joules() == pytest.approx(1.75)
    meter.start()
    assert meter.joules() == 0


def test_a_count_that_began_anew_is_seen(tmp_path: Path) -> None:
    count = zone(tmp_path, "0", "package-0", 999_000_000)
    meter = EnergyMeter(rapl_counters(tmp_path))
    count.write_text("4000000\n")
    assert meter.joules() == pytest.approx(5.0)


def test_without_a_count_energy_is_unavailable_and_not_zero(tmp_path: Path) -> None:
    zone(tmp_path, "0", "package-0", 1).unlink()  # as for a user who may not read it
    meter = EnergyMeter([*rapl_counters(tmp_path), *rapl_counters(tmp_path / "absent")])
    assert meter.sources == ()
    assert meter.joules() is None


def test_a_count_that_is_lost_on_the_way_makes_the_sum_unavailable(tmp_path: Path) -> None:
    zone(tmp_path, "0", "package-0", 1)
    count = zone(tmp_path, "1", "package-1", 1)
    meter = EnergyMeter(rapl_counters(tmp_path))
    count.unlink()
    assert meter.joules() is None


def test_the_meter_of_this_machine_has_joules_exactly_where_it_has_a_source() -> None:
    meter = EnergyMeter()
    assert (meter.joules() is None) == (meter.sources == ())


@pytest.mark.gpu
@needs("pynvml")
def test_a_gpu_draws_power() -> None:
    meter = EnergyMeter(nvml_counters())
    time.sleep(1.0)
    joules = meter.joules()
    assert all(source.startswith("nvml ") for source in meter.sources)
    assert joules is not None
    assert joules > 0

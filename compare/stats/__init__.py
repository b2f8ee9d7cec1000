"""Pure statistics over numbers: nothing here knows a record, a backend or a report.

Begin with `intervals.py`: rates, ratios and their t intervals, Holm's adjustment. `welch.py` holds
independent samples against each other, `two_way.py` tables with gaps; `resampling.py` draws
examples again, `steadiness.py` tells whether a series of windows changed.

May import: nothing of ours.
"""

from compare.stats.intervals import Interval
from compare.stats.resampling import bootstrap, percentiles

__all__ = ["Interval", "bootstrap", "percentiles"]

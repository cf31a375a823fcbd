"""Tables of pre-trainings: methods x augmentations x data sets x seeds, by what probes find.

What is planned and what a job does is here; states, averages and formats are genmix_da.tables's.
"""

from genmix_da.selfsupervised.tables.kind import PROBES
from genmix_da.tables.kinds import register

register(PROBES)

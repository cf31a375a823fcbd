"""Tables of classifications: methods and their variants x data sets x seeds.

What is planned and what a job does is here; states, averages and formats are genmix_da.tables's.
"""

from genmix_da.classify.tables.kind import CLASSIFICATION
from genmix_da.tables.kinds import register

register(CLASSIFICATION)

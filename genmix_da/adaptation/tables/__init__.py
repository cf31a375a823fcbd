"""Tables of adaptations: methods x pairs x seeds in one or more settings; see `genmix_da.table`."""

from genmix_da.adaptation.tables.kind import ADAPTATION
from genmix_da.table.kinds import register

register(ADAPTATION)

"""Tables of adaptations: methods x pairs x seeds, in one or more settings; `genmix_da.tables`."""

from genmix_da.adaptation.tables.kind import ADAPTATION
from genmix_da.tables.kinds import register

register(ADAPTATION)

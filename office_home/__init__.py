"""Office-Home and its fellow benchmarks: names, splits, counts, published results, a stand-in."""

from office_home.benchmarks import (
    BENCHMARKS,
    OFFICE_HOME_CLASSES,
    OFFICE_HOME_DOMAINS,
    Benchmark,
    identify,
)
from office_home.counts import class_counts
from office_home.names import key, match_domain, short_name
from office_home.published import PAIRS, foundation_models, other_source_free, published_table

__all__ = [
    "BENCHMARKS",
    "OFFICE_HOME_CLASSES",
    "OFFICE_HOME_DOMAINS",
    "PAIRS",
    "Benchmark",
    "class_counts",
    "foundation_models",
    "identify",
    "key",
    "match_domain",
    "other_source_free",
    "published_table",
    "short_name",
]

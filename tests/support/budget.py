"""How many inputs the fuzzing tries: a minute of it, or as GENMIX_DA_FUZZ_MINUTES says."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

MINUTES = float(os.environ.get("GENMIX_DA_FUZZ_MINUTES", "1"))
LONG = MINUTES > 5

# Minutes try the same inputs every time; a long run others each time.
settings.register_profile(
    "fuzz",
    derandomize=not LONG,
    database=None,
    deadline=None,  # a command has a limit of its own
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def examples(in_a_minute: int) -> settings:
    """So many inputs for one test.

    Args:
        in_a_minute: where all of the fuzzing is given a minute.
    """
    return settings(settings.get_profile("fuzz"), max_examples=max(1, round(in_a_minute * MINUTES)))

"""Shards of edits that end badly, in a module that worker processes can import."""

from __future__ import annotations

import os
import signal

from genmix_da.augment.cache import edit_cache
from genmix_da.augment.shards import Done, EditShard, edit_shard


def killed_once(shard: EditShard) -> Done:
    """The worker of the second shard is killed, its edits made and not reported."""
    done = edit_shard(shard)
    mark = edit_cache().folder / f"killed-{shard.start}"
    if shard.start == 4 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return done


def killed_always(shard: EditShard) -> Done:
    """No worker outlives the second shard."""
    if shard.start == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return edit_shard(shard)


def elsewhere(shard: EditShard) -> Done:
    """A node whose cache is its own."""
    os.environ["GENMIX_DA_CACHE"] += "-of-a-node"
    return edit_shard(shard)

"""A data set of items in memory."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset


class Held(Dataset[Any]):
    """Items in memory, with an attribute of its own."""

    classes = ("cup", "lamp")

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]

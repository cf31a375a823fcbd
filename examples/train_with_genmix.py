"""GenMix in a plain PyTorch loop: python examples/train_with_genmix.py PHOTOS

PHOTOS holds <class>/<image>; any other data set of images and labels is wrapped alike. Edits are
made once, into a cache; every epoch draws masks and fractals anew.
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from genmix_da.augment import AugmentSettings, GenMix


def main(photos: str, epochs: int = 3) -> float:
    to_input = v2.Compose(
        [v2.ToImage(), v2.Resize((64, 64)), v2.ToDtype(torch.float32, scale=True)]
    )
    genmix = GenMix(AugmentSettings(size=128))
    dataset = genmix.wrap(ImageFolder(photos), transform=to_input, chance=0.5)
    small = nn.Sequential(nn.Conv2d(3, 16, 5, stride=4), nn.BatchNorm2d(16), nn.ReLU())
    head = nn.Linear(16 * 4 * 4, len(dataset.classes))
    network = nn.Sequential(small, nn.AdaptiveAvgPool2d(4), nn.Flatten(), head)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
    mean = 0.0
    for epoch in range(epochs):
        total = 0.0
        for images, labels in DataLoader(dataset, batch_size=16, shuffle=True):
            loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        mean = total / len(dataset)
        print(f"epoch {epoch + 1}: loss {mean:.3f}")
    return mean


if __name__ == "__main__":
    main(*sys.argv[1:2])

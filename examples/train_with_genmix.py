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
    convolution = nn.Conv2d(3, 16, 5, stride=4)
    head = nn.Linear(16, len(dataset.classes))
    network = nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for epoch in range(epochs):
        for images, labels in DataLoader(dataset, batch_size=16, shuffle=True):
            loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
    return loss.item()


if __name__ == "__main__":
    main(*sys.argv[1:2])

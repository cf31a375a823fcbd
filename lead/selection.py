"""Choosing an epoch without target labels: mutual information, open-set aware.

Predictions should be certain one by one and diverse together: the mutual information between
sample and prediction, H(mean prediction) - mean H(prediction), is high then. As a criterion: Bridle
et al., NeurIPS 1991; Shi and Sha, ICML 2012; as a validator of adapted models: Musgrave et al.,
"Three New Validators and a Large-Scale Benchmark Ranking for Unsupervised Domain Adaptation", 2022.
In an open set the uncertainty enters as one more output, "unknown": a sample that is clearly
rejected counts as certain, and a model that rejects everything or nothing is not diverse.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lead.large import empty_tensor
from lead.scores import normalised_entropy


def with_unknown(probability: Tensor, uncertainty: Tensor | None = None) -> Tensor:
    """Append the uncertainty u as output C and scale the others by 1 - u: [N, C] -> [N, C + 1].

    Args:
        probability: [N, C].
        uncertainty: [N] u; the normalised entropy where it is not given.
    """
    given = normalised_entropy(probability) if uncertainty is None else uncertainty
    unsure = given.to(probability).clamp(0.0, 1.0).unsqueeze(1)  # [N, 1]
    outputs = empty_tensor(probability, (len(probability), probability.shape[1] + 1))
    torch.mul(probability.detach(), 1.0 - unsure, out=outputs[:, :-1])
    outputs[:, -1:] = unsure
    return outputs


def mutual_information(
    probability: Tensor, *, open_set: bool, uncertainty: Tensor | None = None
) -> float:
    """Mutual information between sample and prediction, in nats; higher is better.

    Args:
        probability: [N, C] softmax outputs of unlabelled target samples.
        open_set: count "unknown" as an output (see `with_unknown`).
        uncertainty: [N] for that output; the normalised entropy where it is not given.

    Returns:
        A number between 0 and log C, or log(C + 1) in an open set.
    """
    if len(probability) == 0:
        return 0.0
    outputs = empty_tensor(probability.new_empty(0, dtype=torch.double), probability.shape)
    outputs.copy_(probability)
    if open_set:
        outputs = with_unknown(outputs, uncertainty)

    def entropy(rows: Tensor) -> Tensor:
        terms: Tensor = torch.special.entr(rows, out=empty_tensor(rows))
        return terms.sum(dim=-1)

    return float(entropy(outputs.mean(dim=0)) - entropy(outputs).mean())

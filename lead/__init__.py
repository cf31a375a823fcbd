"""LEAD: source-free universal domain adaptation, as a library.

A re-implementation of "LEAD: Learning Decomposition for Source-free Universal Domain Adaptation"
(Qu et al., CVPR 2024, https://arxiv.org/abs/2403.03421), verified number by number against the
authors' released code (MIT). It knows no dataset: give it image arrays and label sets, or
features of your own (`FeatureViews`).

    network = lead.Network(backbone.module, backbone.feature_dim, class_count)
    for epoch in lead.train_source(network, source_views, labels, lead.SourceConfig()): ...
    for epoch in lead.adapt(network, target_views, lead.TargetConfig()): ...
    lead.open_set_scores(epoch.evaluation.probability, labels, label_sets.evaluation_classes)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lead.adabn import adapt_batch_norm as adapt_batch_norm
    from lead.backbones import Backbone as Backbone
    from lead.backbones import build_backbone as build_backbone
    from lead.checkpoint import load_checkpoint as load_checkpoint
    from lead.checkpoint import save_checkpoint as save_checkpoint
    from lead.clusters import estimate_clusters as estimate_clusters
    from lead.decomposition import Decomposition as Decomposition
    from lead.decomposition import decompose as decompose
    from lead.epochs import TargetConfig as TargetConfig
    from lead.errors import LeadError as LeadError
    from lead.errors import ProtocolError as ProtocolError
    from lead.errors import WeightsError as WeightsError
    from lead.evaluation import Evaluation as Evaluation
    from lead.evaluation import evaluate as evaluate
    from lead.evaluation import observe as observe
    from lead.feature_views import FeatureViews as FeatureViews
    from lead.graph import GraphConfig as GraphConfig
    from lead.graph import Smoothed as Smoothed
    from lead.graph import TargetGraph as TargetGraph
    from lead.graph_memory import GraphMemory as GraphMemory
    from lead.network import Network as Network
    from lead.network import to_device as to_device
    from lead.private_classes import private_nmi as private_nmi
    from lead.protocol import LabelSets as LabelSets
    from lead.protocol import split_classes as split_classes
    from lead.pseudo_labels import PseudoLabels as PseudoLabels
    from lead.pseudo_labels import assign_pseudo_labels as assign_pseudo_labels
    from lead.rejection import Rejection as Rejection
    from lead.rejection import reject as reject
    from lead.scores import closed_set_scores as closed_set_scores
    from lead.scores import h3_score as h3_score
    from lead.scores import open_set_scores as open_set_scores
    from lead.scores import score_block as score_block
    from lead.selection import mutual_information as mutual_information
    from lead.source import SourceConfig as SourceConfig
    from lead.source import train_source as train_source
    from lead.target import adapt_target as adapt  # noqa: F401
    from lead.views import ImageViews as ImageViews
    from lead.views import Preprocessing as Preprocessing
    from lead.views import Views as Views

# Name -> its module. Loaded when it is asked for: `lead.rejection` needs no torch, and the command
# line answers before scikit-learn is there.
_HOME = {
    "Backbone": "backbones",
    "Decomposition": "decomposition",
    "Evaluation": "evaluation",
    "FeatureViews": "feature_views",
    "GraphConfig": "graph",
    "GraphMemory": "graph_memory",
    "ImageViews": "views",
    "LabelSets": "protocol",
    "LeadError": "errors",
    "Network": "network",
    "Preprocessing": "views",
    "ProtocolError": "errors",
    "PseudoLabels": "pseudo_labels",
    "Rejection": "rejection",
    "Smoothed": "graph",
    "SourceConfig": "source",
    "TargetConfig": "epochs",
    "TargetGraph": "graph",
    "Views": "views",
    "WeightsError": "errors",
    "adapt": "target",
    "adapt_batch_norm": "adabn",
    "assign_pseudo_labels": "pseudo_labels",
    "build_backbone": "backbones",
    "closed_set_scores": "scores",
    "decompose": "decomposition",
    "estimate_clusters": "clusters",
    "evaluate": "evaluation",
    "h3_score": "scores",
    "load_checkpoint": "checkpoint",
    "mutual_information": "selection",
    "observe": "evaluation",
    "open_set_scores": "scores",
    "private_nmi": "private_classes",
    "reject": "rejection",
    "save_checkpoint": "checkpoint",
    "score_block": "scores",
    "split_classes": "protocol",
    "to_device": "network",
    "train_source": "source",
}
_OTHER_NAME = {"adapt": "adapt_target"}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), _OTHER_NAME.get(name, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

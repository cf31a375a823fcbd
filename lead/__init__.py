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

from lead.adabn import adapt_batch_norm
from lead.backbones import Backbone, build_backbone
from lead.checkpoint import load_checkpoint, save_checkpoint
from lead.clusters import estimate_clusters
from lead.decomposition import Decomposition, decompose
from lead.errors import LeadError, ProtocolError, WeightsError
from lead.evaluation import Evaluation, evaluate, observe
from lead.feature_views import FeatureViews
from lead.graph import GraphConfig, Smoothed, TargetGraph
from lead.graph_memory import GraphMemory
from lead.network import Network, to_device
from lead.private_classes import private_nmi
from lead.protocol import LabelSets, split_classes
from lead.pseudo_labels import PseudoLabels, assign_pseudo_labels
from lead.rejection import Rejection, reject
from lead.scores import closed_set_scores, h3_score, open_set_scores, score_block
from lead.selection import mutual_information
from lead.source import SourceConfig, train_source
from lead.target import TargetConfig
from lead.target import adapt_target as adapt
from lead.views import ImageViews, Preprocessing, Views

__all__ = [
    "Backbone",
    "Decomposition",
    "Evaluation",
    "FeatureViews",
    "GraphConfig",
    "GraphMemory",
    "ImageViews",
    "LabelSets",
    "LeadError",
    "Network",
    "Preprocessing",
    "ProtocolError",
    "PseudoLabels",
    "Rejection",
    "Smoothed",
    "SourceConfig",
    "TargetConfig",
    "TargetGraph",
    "Views",
    "WeightsError",
    "adapt",
    "adapt_batch_norm",
    "assign_pseudo_labels",
    "build_backbone",
    "closed_set_scores",
    "decompose",
    "estimate_clusters",
    "evaluate",
    "h3_score",
    "load_checkpoint",
    "mutual_information",
    "observe",
    "open_set_scores",
    "private_nmi",
    "reject",
    "save_checkpoint",
    "score_block",
    "split_classes",
    "to_device",
    "train_source",
]

"""Frozen backbones: features are computed once and kept; bottleneck and classifier are trained.

`--freeze-backbone` of the commands. `crops` says which views of an image are encoded, `encoder` by
what, `towers` opens models of the transformers library, `store` keeps the features on disk and
`features` joins them: decoded images in, [N, V, F] out.
"""

"""One source domain's model adapted to an unlabelled target: settings, task, run, result, use.

`run.adapt` is the whole of it. Imports nothing here, because tables are read without torch.
"""

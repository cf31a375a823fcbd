"""A model as one file that other programs run: pixels in, probabilities and rejection out.

`write.export` is where it begins.
"""

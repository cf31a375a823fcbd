"""Images on disk: which domains and classes there are, decoding once, label sets, checks."""

"""A method and an editor for GenMix-DA."""

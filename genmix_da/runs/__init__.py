"""What a run leaves: its folder, the seal of its result, where the result comes from."""

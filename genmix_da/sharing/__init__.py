"""Runs and augmented folders passed on: their cards, and their way to a hub."""

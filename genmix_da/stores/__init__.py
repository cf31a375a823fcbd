"""Runs, tables, edits and data behind URLs, through fsspec."""

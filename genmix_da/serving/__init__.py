"""A model behind a page and a JSON endpoint, for those who want to try it on their pictures."""

"""Formats of times in the admin; on the pages, the browser formats times."""

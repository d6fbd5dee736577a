"""Views of pages, one module for each noun: they parse requests, call services and render."""

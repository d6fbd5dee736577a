"""Doing a step: its attempts, its process, its approval, and doubt about its outcome."""

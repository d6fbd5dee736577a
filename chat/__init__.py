"""Conversations between people and runs: sessions, messages, requests and responses."""

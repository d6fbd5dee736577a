"""Channels that notify people by mail and programs by webhook, and that read forms of pages."""

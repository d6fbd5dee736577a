"""Channels that send mails and webhooks, notify browsers, or read answers from pages' forms."""

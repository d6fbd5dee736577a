"""Channels that send mails and webhooks, or read answers from the forms of pages."""

"""How what is planned reaches people apart from pages: mails, one module a channel."""

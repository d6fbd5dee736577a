"""Names, sign-in links, and what ends when somebody leaves."""

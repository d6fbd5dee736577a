"""Names, sign-in links, and the end of sessions when somebody leaves."""

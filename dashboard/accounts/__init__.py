"""Accounts: names of people and groups, sign-in links, roles, and the end of an account."""

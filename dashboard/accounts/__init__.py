"""Names, sign-in links, the roles of people and groups, and what ends when somebody leaves."""

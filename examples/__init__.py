"""Procedures to look at and to try: the demo loads them, a site of its own does not."""

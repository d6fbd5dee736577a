"""How the admin writes times; the pages' own are written by the browser."""

"""The procedures with which a site works on itself; unlike the library's, they use `services`."""

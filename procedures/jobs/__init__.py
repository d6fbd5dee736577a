"""The procedures with which a site works on itself: over services, unlike those of the library."""

"""Classes and the places where they are defined."""


def is_same_definition(one: type, other: type) -> bool:
    """Return True for two classes of one module and name: a module that is loaded again."""
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)

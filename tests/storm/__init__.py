"""Live clients behind a hostile network, over a real site: nothing may be lost."""

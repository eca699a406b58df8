"""From a short take of a person to an avatar that looks and moves like them."""

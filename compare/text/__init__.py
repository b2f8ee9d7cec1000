"""Text that a user brings: read, checked, tokenised, and laid out as flat arrays of ids."""

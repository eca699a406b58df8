"""What the person sees: every head rendered into one video."""

"""Where camera frames and voice come from: the page's camera track, or a file."""

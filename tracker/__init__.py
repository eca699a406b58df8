"""From a camera picture to face parameters."""

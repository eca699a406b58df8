"""From an avatar file's arrays and face parameters to posed Gaussians and pictures."""

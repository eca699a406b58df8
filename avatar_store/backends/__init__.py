"""Where the store's objects are: a directory, or an S3-compatible bucket."""

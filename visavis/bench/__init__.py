"""Measurements behind every number we publish: `visavis bench NAME --json FILE`."""

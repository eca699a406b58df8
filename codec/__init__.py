"""Bytes to values and back: face parameters, packets, avatar files and signaling messages. Pure: no I/O, no clock."""

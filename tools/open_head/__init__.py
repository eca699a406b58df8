"""Steps of `tools/build_open_head.py`: how the open head is made from MakeHuman's data."""

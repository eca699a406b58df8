"""How close a picture is to the truth."""

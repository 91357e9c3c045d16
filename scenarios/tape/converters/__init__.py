"""Convert tapes to and from the formats of vcrpy and aimock. Start at `conversion.py`."""

"""What runs in a cell's own Python: the cases, and what records them.

Of the house it imports nothing but itself, for a cell has other versions, and fewer packages.
"""

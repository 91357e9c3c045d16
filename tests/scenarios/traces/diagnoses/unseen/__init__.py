"""Programs that the detectors were not written on, with faults and the truth about each.

The programs and the truth were written by an author who had read no detector.
"""

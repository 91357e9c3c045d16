"""Example workflows, called lessons: each module of this folder but `model.py` is one."""

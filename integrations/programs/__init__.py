"""The programs of the cases, which run in a child process with the environment under test.

They import nothing else of this project but `integrations.instrumentors`, because another
environment has other versions and fewer packages.
"""

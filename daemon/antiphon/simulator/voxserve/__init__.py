"""Beside the floors: a vox-serve server on the LAN, as strict, as silent and as mortal as the real one.

What of the real server is simulated, and what is not, is listed in docs/simulated-voxserve.md.
"""

"""A server on the LAN that answers speech with speech: vox-serve's POST /generate. The wire apart from the sockets."""

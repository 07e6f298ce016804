"""Floor 3. The services at the other end. In each: wire.py is pure (bytes and events), link.py owns the socket."""

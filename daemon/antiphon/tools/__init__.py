"""Floor 3. What a model may do when it is asked to: our own tools, the owner's, packages' and servers'."""

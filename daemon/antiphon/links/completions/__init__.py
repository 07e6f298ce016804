"""Chat completions, POST /chat/completions: what links of more than one kind share of it."""

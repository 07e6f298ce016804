"""StepFun's Realtime WebSocket: the default link."""

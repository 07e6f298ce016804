"""Floor 3. StepFun's one-shot services: what is asked once and answered once, beside the conversation."""

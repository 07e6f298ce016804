"""StepFun's chat completions with audio, as a link: one question, one answer, and a history that is ours."""

"""Three of StepFun's services in a row, as a link: recognise, answer in text, speak sentence by sentence."""

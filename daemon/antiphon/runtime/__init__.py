"""Floor 4. The shell: owns the loop and the threads. It performs what the mind asks, and never decides."""

"""Beside the floors: a StepFun realtime service on loopback, as strict and as inconsistent as the real one."""

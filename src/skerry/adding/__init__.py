"""Another survey added to a finished run: what is taken from it, and the inputs of both as one."""

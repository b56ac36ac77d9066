"""`foldstream replay`: real purchases as commands, and what became of their orders."""

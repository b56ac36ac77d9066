"""Implementation of `foldstream replay`: real purchases as commands, and the outcomes of their orders."""

"""`python -m app` is `foldstream`."""

from app.cli.main import main

main()

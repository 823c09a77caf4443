"""`python -m redactor` is the command `redactor`."""

from redactor.cli import main

main()

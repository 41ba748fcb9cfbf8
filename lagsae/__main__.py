"`python -m lagsae` is the command `lagsae`"
from lagsae.cli import main

main()

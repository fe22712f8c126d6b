"""`python -m ops.cli`, for when the script `bursar` is not installed."""

from ops.cli import main

main()

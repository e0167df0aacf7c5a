# The test command's parts. The suites are scripts: see regress/README.md.

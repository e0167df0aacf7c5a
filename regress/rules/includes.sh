#!/bin/sh
exec python3 regress/rules/check.py includes "${BIN:-build/release}"

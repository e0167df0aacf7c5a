#!/bin/sh
exec python3 regress/rules/check.py messages "${BIN:-build/release}"

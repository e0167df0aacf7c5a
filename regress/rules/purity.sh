#!/bin/sh
exec python3 regress/rules/check.py purity "${BIN:-build/release}"

#!/bin/sh
exec python3 regress/rules/check.py sizes "${BIN:-build/release}"

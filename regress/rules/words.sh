#!/bin/sh
exec python3 regress/rules/check.py words "${BIN:-build/release}"

#!/bin/sh
exec python3 regress/rules/conformance.py

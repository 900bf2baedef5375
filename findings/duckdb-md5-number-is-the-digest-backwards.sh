#!/usr/bin/env bash
# DuckDB's md5_number() gives the MD5 digest as one number, but of its bytes in reverse: as a hexadecimal number, or as
# the UUID that DuckDB 2 can cast it to, it is not md5() of the same text. A key made so in DuckDB is found in no other engine
# that makes keys of the digest as it is written, until the bytes are turned around. Its siblings md5_number_upper()
# and md5_number_lower() take the digest's first and last eight bytes, each reversed too.
# Seen on 30 November 2026 with duckdb 2.0.0 and 1.5.6 on Python 3.11; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ask.py" <<'PY'
import hashlib

import duckdb

digest = hashlib.md5(b"invoice 536365").digest()
text, whole, upper, lower = duckdb.execute(
    "select md5(x), md5_number(x), md5_number_upper(x), md5_number_lower(x) from (select 'invoice 536365' as x)"
).fetchone()
assert text == digest.hex()
print(
    duckdb.__version__,
    "whole reversed" if whole == int.from_bytes(digest, "little") else "-",
    "upper reversed" if upper == int.from_bytes(digest[:8], "little") else "-",
    "lower reversed" if lower == int.from_bytes(digest[8:], "little") else "-",
)
PY
for version in 2.0.0 1.5.6; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q --disable-pip-version-check "duckdb==$version"
    "$folder/$version/bin/python" "$folder/ask.py"
done | tee "$folder/seen"
for version in 2.0.0 1.5.6; do
    grep -q "^$version whole reversed upper reversed lower reversed$" "$folder/seen"
done

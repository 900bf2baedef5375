#!/usr/bin/env bash
# dbt-spark 1.11.0 sends "spark.sql.ansi.enabled = false" to the session before each statement of a model. Spark 4 has
# ANSI mode on, and a profile's server_side_parameters may ask for it: the setting is sent, and undone by the same
# adapter, so that a text that is no number becomes a null in a model although the same statement in the same session
# fails. Nothing is logged.
# Needs a Java that Spark runs on (17 or 21).
# Seen on 30 November 2026 with dbt-core 1.11.16, dbt-spark 1.11.0, pyspark 4.3.0, Java 17, Python 3.11; fails if it
# changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    dbt-core==1.11.16 "dbt-spark[session]==1.11.0" pyspark==4.3.0
mkdir -p "$folder/project/models"
cd "$folder/project"
cat >dbt_project.yml <<'YML'
name: shop
version: "1.0.0"
profile: shop
YML
cat >profiles.yml <<'YML'
shop:
  target: spark
  outputs:
    spark:
      type: spark
      method: session
      schema: default
      host: NA
      server_side_parameters:
        spark.sql.ansi.enabled: "true"
YML
echo "select cast('twelve' as int) as quantity" >models/lines.sql
cat >ask.py <<'PY'
from dbt.cli.main import dbtRunner
from pyspark.errors import NumberFormatException
from pyspark.sql import SparkSession

session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
print("ANSI before:", session.conf.get("spark.sql.ansi.enabled"))
try:
    session.sql("select cast('twelve' as int)").collect()
except NumberFormatException as error:
    print("by hand:", error.getCondition())
done = dbtRunner().invoke(["run", "--project-dir", ".", "--profiles-dir", ".", "--quiet", "--no-send-anonymous-usage-stats"])
print("dbt succeeds:", done.success)
print("in the model:", session.table("lines").collect()[0].quantity)
PY
SPARK_LOCAL_IP=127.0.0.1 "$folder/venv/bin/python" ask.py 2>"$folder/log" | tee "$folder/seen" || { tail -20 "$folder/log"; exit 1; }
grep -qx "ANSI before: true" "$folder/seen"
grep -qx "by hand: CAST_INVALID_INPUT" "$folder/seen"
grep -qx "dbt succeeds: True" "$folder/seen"
grep -qx "in the model: None" "$folder/seen"

#!/usr/bin/env bash
# Spark writes one Java method for a whole stage of a query. Java 17 compiles no method of more than 8,000 bytes, and
# Spark 4.3 gives whole stages up only beyond 65,535: what lies between is run by Java's interpreter, row by row, and
# neither Spark nor Java says so. A staging model that casts forty columns is such a query; one that casts twenty is
# not, and twice the columns take three times as long. -XX:-DontCompileHugeMethods (here by SPARK_SUBMIT_OPTS, which
# the launcher reads before Java starts) has such methods compiled.
# Needs a Java that Spark runs on (17 or 21).
# Seen on 30 November 2026 with pyspark 4.3.0, Java 17, Python 3.11, on a busy machine: 20 columns 6,859 bytes, 4.1 s
# with and without the option; 40 columns 13,522 bytes, 13.8 s without it and 5.5 s with it. Fails if the method of 40
# columns is not between the two limits, or costs less than 1.4 times without the option.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pyspark==4.3.0
cat >"$folder/ask.py" <<'PY'
import sys
import time

from pyspark.sql import SparkSession

path, count = sys.argv[1], int(sys.argv[2])
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.range(0, 1_000_000, 1, 1).selectExpr("id", "cast(id as string) as text").write.mode("overwrite").parquet(path)
amounts = [
    f"""case
        when contains(text, '{n}') then try_cast(replace(text, '{n}', '.') as decimal(18, 4))
        when length(text) > {n % 7} then try_cast(text as decimal(18, 4))
    end as amount_{n}"""
    for n in range(count)
]
typed = spark.read.parquet(path).selectExpr("id", *amounts)
debug = spark._jvm.java.lang.Class.forName("org.apache.spark.sql.execution.debug.package$").getField("MODULE$").get(None)
[stage] = (lambda found: [found.apply(n) for n in range(found.size())])(
    debug.codegenStringSeq(typed._jdf.queryExecution().executedPlan())
)


def seconds() -> float:
    started = time.perf_counter()
    typed.write.format("noop").mode("overwrite").save()
    return time.perf_counter() - started


seconds()
print(stage._3().maxMethodCodeSize(), min(seconds() for _ in range(3)))
spark.stop()
PY
export SPARK_LOCAL_IP=127.0.0.1
ask() { "$folder/venv/bin/python" "$folder/ask.py" "$folder/rows" "$1" 2>"$folder/log" || { tail -20 "$folder/log" >&2; exit 1; }; }
read -r few_bytes few_seconds < <(ask 20)
read -r bytes as_is < <(ask 40)
read -r _ compiled < <(SPARK_SUBMIT_OPTS=-XX:-DontCompileHugeMethods ask 40)
echo "20 columns: $few_bytes bytes, $few_seconds s"
echo "40 columns: $bytes bytes, $as_is s; with -XX:-DontCompileHugeMethods $compiled s"
[ "$few_bytes" -lt 8000 ]
[ "$bytes" -gt 8000 ] && [ "$bytes" -lt 65535 ]
python3 -c "import sys; sys.exit(not $as_is > 1.4 * $compiled)"

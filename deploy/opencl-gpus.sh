#!/usr/bin/env bash
# Tells Spark which GPUs OpenCL finds on this machine, by the numbers that Starmill calls them by:
# {"name": "gpu", "addresses": ["0", "1"]}. Give its path to the workers of a standalone cluster as
# spark.worker.resource.gpu.discoveryScript, elsewhere as spark.executor.resource.gpu.discoveryScript.
set -euo pipefail

script="$(readlink -f "${BASH_SOURCE[0]}")"
# Spark runs this with its SPARK_HOME set, by which the launcher would start a Spark application.
if [[ -d "${SPARK_HOME:-}/jars" ]]; then
  export STARMILL_SPARK_JARS="$SPARK_HOME/jars"
fi
unset SPARK_HOME
exec "$(dirname "$script")/starmill" devices --spark

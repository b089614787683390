#!/usr/bin/env bash
# Packs a check of the kernels for a machine that has an NVIDIA driver and nothing else, no Java, no
# OpenCL: `deploy/gpu-check.sh --help` says how to use it.
set -euo pipefail

readonly most_bytes=$((60 * 1024 * 1024))

usage() {
  cat <<'USAGE'
Usage: deploy/gpu-check.sh [--out FILE]

Packs the kernels with Aparapi, a small Java runtime and the OpenCL loader into one archive for
x86-64 Linux. It needs no installation there, no root and no network:

  deploy/gpu-check.sh                                # here
  scp starmill-gpu-check.tar.gz gpu-machine:
  tar xzf starmill-gpu-check.tar.gz                  # there
  starmill-gpu-check/gpu-check > gpu-check.json      # --help lists its options

The check runs every kernel on every OpenCL device and on Java, compares each with the scalar Java
source, times a whole image on each device, and prints all of it as JSON.

  --out FILE   the archive; default starmill-gpu-check.tar.gz in this folder
  --help       this text

  JAVA_HOME    a JDK with jlink, 17 or later, that the runtime is made from; without it, the one of
               the java on the PATH. The C library there must be as new as what that JDK was built
               for: a JDK from Adoptium asks for less than a distribution's own.
  STARMILL_MAVEN_OPTIONS  more options for Maven, as in -o
  LIBOPENCL    the OpenCL loader to pack; default the libOpenCL.so.1 of this machine

Exit code: 0 packed, 1 the build or the packing failed, 2 something is missing or wrong.
USAGE
}

missing() {
  printf 'gpu-check.sh: %s\n' "$1" >&2
  exit 2
}

broken() {
  printf 'gpu-check.sh: %s\n' "$1" >&2
  exit 1
}

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
out="starmill-gpu-check.tar.gz"
while (($# > 0)); do
  case "$1" in
    --help | -h)
      usage
      exit 0
      ;;
    --out)
      (($# > 1)) || missing "--out has no value; expected the name of a file"
      out="$2"
      shift 2
      ;;
    *) missing "unknown argument '$1'; expected --out FILE or --help" ;;
  esac
done
[[ "$(uname -s)-$(uname -m)" == Linux-x86_64 ]] \
  || missing "this machine is $(uname -s) $(uname -m); the archive is made on x86-64 Linux for x86-64 Linux"
[[ -d "$(dirname "$out")" ]] || missing "--out $out: there is no folder $(dirname "$out")"

# --- What is packed -----------------------------------------------------------------------------

if [[ -n "${JAVA_HOME:-}" ]]; then
  java_home="$JAVA_HOME"
else
  java="$(command -v java || true)"
  [[ -n "$java" ]] || missing "no java found on the PATH; install a JDK, 17 or later, or set JAVA_HOME"
  java_home="$(dirname "$(dirname "$(readlink -f "$java")")")"
fi
[[ -x "$java_home/bin/jlink" ]] || missing "$java_home has no bin/jlink; set JAVA_HOME to a JDK, 17 or later, not a JRE"

opencl="${LIBOPENCL:-}"
if [[ -z "$opencl" ]]; then
  opencl="$({ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | sed -n 's/.*libOpenCL\.so\.1 .*x86-64.*=> //p' | head -n 1)"
fi
[[ -n "$opencl" && -f "$opencl" ]] \
  || missing "no OpenCL loader (libOpenCL.so.1) on this machine; install it (Debian: ocl-icd-libopencl1) or name one in LIBOPENCL"
command -v mvn >/dev/null || missing "Maven (mvn) is needed to build the kernels and is not on the PATH; install Maven 3.8 or later"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
pack="$work/starmill-gpu-check"
mkdir -p "$pack/lib" "$pack/opencl/vendors"

echo "gpu-check.sh: building the kernels" >&2
# shellcheck disable=SC2086  # options are words
(cd "$root" && JAVA_HOME="$java_home" mvn -q -B ${STARMILL_MAVEN_OPTIONS:-} -Dstyle.color=never -DskipTests \
  -Dspotless.check.skip=true -pl kernels -am package dependency:build-classpath \
  -DincludeArtifactIds=aparapi,aparapi-jni,bcel "-Dmdep.outputFile=$work/classpath" >&2) \
  || broken "the build failed; its messages stand above"

cp "$root"/kernels/target/kernels-*.jar "$pack/lib/"
IFS=: read -r -a jars <"$work/classpath" || true
((${#jars[@]} == 3)) || broken "expected the jars of aparapi, aparapi-jni and bcel, Maven named ${#jars[@]}"
for jar in "${jars[@]}"; do
  [[ "$jar" == *.jar ]] || continue
  if [[ "$(basename "$jar")" == aparapi-jni-* ]]; then
    # Of its libraries for nine systems, the one.
    mkdir "$work/jni"
    (cd "$work/jni" && "$java_home/bin/jar" xf "$jar" META-INF com linux/libaparapi_x86_64.so \
      && "$java_home/bin/jar" cf "$pack/lib/$(basename "$jar")" .) || broken "$jar could not be repacked"
  else
    cp "$jar" "$pack/lib/"
  fi
done

"$java_home/bin/jlink" --add-modules java.base,java.logging,java.management,jdk.incubator.vector \
  --strip-debug --no-header-files --no-man-pages --compress=2 --output "$pack/java" 2>"$work/log" \
  || broken "jlink failed: $(tail -n 1 "$work/log")"
# The server's JVM is the one that compiles; symbols are for debuggers.
rm -rf "$pack/java/lib/client" "$pack/java/lib/minimal"
cp -L "$opencl" "$pack/opencl/libOpenCL.so.1"
echo libnvidia-opencl.so.1 >"$pack/opencl/vendors/nvidia.icd"

cat >"$pack/gpu-check" <<'RUN'
#!/bin/sh
# Checks Starmill's kernels on the OpenCL devices of this machine; --help lists the options.
#   OCL_ICD_VENDORS   folder that names the OpenCL drivers; default the packed one, for NVIDIA's
#   GPU_CHECK_MEMORY  heap of the JVM; default 4g
case "$0" in
  */*) here="$(cd "${0%/*}" && pwd -P)" ;;
  *) here="$(pwd -P)" ;;
esac
if [ ! -x "$here/java/bin/java" ]; then
  echo "gpu-check: $here/java is incomplete; unpack the archive again, whole" >&2
  exit 2
fi
export OCL_ICD_VENDORS="${OCL_ICD_VENDORS:-$here/opencl/vendors}"
export LD_LIBRARY_PATH="$here/opencl:${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64:/usr/local/nvidia/lib:/usr/lib/wsl/lib"
# OpenCL drivers install signal handlers over the JVM's own; this library chains them.
export LD_PRELOAD="$here/java/lib/libjsig.so${LD_PRELOAD:+:$LD_PRELOAD}"
exec "$here/java/bin/java" "-Xmx${GPU_CHECK_MEMORY:-4g}" -XX:+IgnoreUnrecognizedVMOptions \
  --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
  -cp "$here/lib/*" org.starmill.check.GpuCheck "$@"
RUN
chmod +x "$pack/gpu-check"
cp "$root/LICENSE" "$pack/"

tar -C "$work" --sort=name --owner=0 --group=0 -cf - starmill-gpu-check | gzip -9 >"$work/archive" \
  || broken "the archive could not be written"
bytes="$(stat -c %s "$work/archive")"
((bytes < most_bytes)) \
  || broken "the archive has $bytes bytes, at most $most_bytes are allowed; make it with another JDK (JAVA_HOME)"
mv "$work/archive" "$out" || broken "$out could not be written"
printf 'gpu-check.sh: %s, %d MiB\n' "$out" "$(((bytes + 1048575) / 1048576))" >&2

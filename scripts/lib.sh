# What scripts/quickstart and scripts/test share. Sourced by bash.
# shellcheck shell=bash

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${LOWBIT_BUILD_DIR:-$root/build}
log=$build/setup.log

# Debian packages that building and testing need. LLVM 22 of Debian 12 lives in
# bookworm-security.
packages=(
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools clang-22 lld-22 liblld-22-dev
  libclang-rt-22-dev
  g++ cmake ninja-build ccache pkg-config
  nlohmann-json3-dev libutf8proc-dev libxxhash-dev libhwloc-dev zlib1g-dev libzstd-dev libgtest-dev
  python3 python3-pip python3-venv ca-certificates
)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# step WHAT COMMAND...: runs it with its output in the log; says how long it took.
step() {
  local what=$1 start=$SECONDS status=0
  shift
  printf '%-44s' "$what ..." >&2
  printf '\n== %s: %s\n' "$what" "$*" >>"$log"
  "$@" </dev/null >>"$log" 2>&1 || status=$?
  if ((status)); then
    say "failed"
    tail -n 25 "$log" >&2
    die "$what failed (exit $status); all of its output is in $log"
  fi
  say "$((SECONDS - start)) s"
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] ||
      printf '%s\n' "$package"
  done
}

has_candidate() { # PACKAGE: apt knows a version
  [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[0-9]* ]]
}

# Addresses where the archive of security updates may be: beside the archives
# that apt already knows.
security_candidates() {
  local uri
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u |
    while read -r uri; do
      uri=${uri%/}
      case $uri in
      */debian-security) printf '%s\n' "$uri" ;;
      */debian) printf '%s-security\n%s/debian-security\n' "$uri" "${uri%%/debian}" ;;
      http*://*) printf '%s/debian-security\n' "$(cut -d/ -f1-3 <<<"$uri")" ;;
      esac
    done | awk '!seen[$0]++'
}

# Adds SUITE-security to apt's sources if LLVM 22 is not to be had without it.
add_security_source() {
  local suite list=/etc/apt/sources.list.d/lowbit-security.list key uri
  has_candidate llvm-22-dev && return
  suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  for uri in $(security_candidates); do
    printf 'deb %s%s %s-security main\n' \
      "$([ -e $key ] && printf '[signed-by=%s] ' $key)" "$uri" "$suite" >"$list"
    if apt-get update -qq -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- \
      -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any &&
      has_candidate llvm-22-dev; then
      return
    fi
    rm -f "$list"
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "${missing[@]}"
}

set_up_packages() {
  local missing
  command -v apt-get >/dev/null || die "this needs Debian 12 (no apt-get here); README.md lists what to install elsewhere"
  missing=$(missing_packages | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
    die "these packages are missing; install them or run this as root: $missing"
  step "reading apt's package lists" as_root apt-get update -qq
  if ! has_candidate llvm-22-dev; then
    [ "$(id -u)" = 0 ] ||
      die "LLVM 22 is in Debian 12's bookworm-security, which apt does not know; run this as root to add it"
    step "looking for bookworm-security" add_security_source
  fi
  step "installing $(wc -w <<<"$missing") packages" install_packages
}

# build_targets TARGET...: configures once, builds; shows ninja's own line on a
# terminal.
build_targets() {
  step "configuring" cmake -S "$root" --preset release -B "$build"
  if [ -t 2 ]; then
    local start=$SECONDS
    say "building (about 10 minutes on 2 cores the first time) ..."
    NINJA_STATUS='[%f/%t, %e s] ' ninja -C "$build" "$@" >&2 || die "the build failed"
    say "built in $((SECONDS - start)) s"
  else
    step "building" ninja -C "$build" "$@"
  fi
}

# Python's packages go here, never into the system's.
python=$build/venv/bin/python
set_up_python() { # PACKAGE...
  if ! "$python" -m pip --version >>"$log" 2>&1; then
    rm -rf "$build/venv"
    step "making a Python environment" python3 -m venv "$build/venv"
  fi
  if (($#)); then
    step "installing Python packages" "$python" -m pip install --quiet \
      --disable-pip-version-check "$@"
  fi
}

# get_model NAME VARIABLE: downloads it unless it is there.
get_model() {
  local -n path=$2
  local start=$SECONDS
  printf '%-44s' "model $1 ..." >&2
  path=$("$python" "$root/scripts/get-model" "$1" 2>>"$log") || {
    say "failed"
    die "$(tail -n 1 "$log")"
  }
  say "$((SECONDS - start)) s"
}

begin() {
  umask 022
  mkdir -p "$build" || die "cannot write $build"
  : >"$log"
}

#!/usr/bin/env bash
# A run on a Cloud TPU pod, from nothing to its results: `tpu_pod.sh --help`.
# shellcheck disable=SC2016  # what is in single quotes is for the workers' shells
set -euo pipefail

usage() {
    cat <<'TEXT'
experiments/tpu_pod.sh [--dry-run] COMMAND [ARGUMENTS]

  create            makes the TPU VMs
  install           copies the committed tree to every worker and installs it there
  launch ARGUMENTS  starts experiments.text_agent with these on every worker; the
                    same words go on with a run that was stopped
  status            the state of the VMs, and the last lines of every worker
  stop              asks the run to save and end (SIGTERM)
  fetch RUN FOLDER  copies a run, as in runs/NAME, from worker 0 into a local folder
  delete            deletes the VMs; gcloud asks first

--dry-run prints the gcloud commands and runs none. What they are about is said by
variables of the environment (defaults in brackets):

  POD       name of the TPU                                       [rl-credit]
  ZONE      where, as in us-west4-a                               (no default)
  TYPE      accelerator, as in v6e-16                             [v5litepod-16]
  VERSION   software of its VMs; v2-alpha-tpuv6e for v6e          [v2-alpha-tpuv5-lite]
  SPOT      1: cheaper, and taken away at any time                [0]
  EXTRAS    of rl_credit, to be installed                         [tpu,alfworld]
  SHARE     SERVER:/PATH, an NFS share that install mounts at runs/ of every worker;
            a pod of several hosts needs one                      [none]

See docs/pods.md.
TEXT
}

die() {
    echo "tpu_pod.sh: $1" >&2
    exit 2
}

# Runs a command, or prints it so that a shell would read it back.
run() {
    if [[ $dry_run == 1 ]]; then
        printf '%q ' "$@" && echo
    else
        "$@"
    fi
}

tpu() {
    local verb=$1
    shift
    run gcloud compute tpus tpu-vm "$verb" "$@" "--zone=$ZONE"
}

everywhere() {
    tpu ssh "$POD" --worker=all "--command=$1"
}

create() {
    set -- "--accelerator-type=$TYPE" "--version=$VERSION"
    [[ $SPOT != 1 ]] || set -- "$@" --spot
    tpu create "$POD" "$@"
}

install() {
    local archive=/tmp/rl_credit.tar.gz
    run git archive --format=tar.gz "--output=$archive" HEAD
    tpu scp "$archive" "$POD:rl_credit.tar.gz" --worker=all
    everywhere 'sudo apt-get -qq update
        && sudo apt-get -qq install -y build-essential cmake nfs-common'
    everywhere 'mkdir -p rl_credit && tar -xzf rl_credit.tar.gz -C rl_credit
        && python3 -m pip install --quiet --user uv
        && cd rl_credit
        && python3 -m uv venv --quiet --seed --python 3.11 .venv
        && PATH=$PWD/.venv/bin:$PATH pip install --quiet -e ".['"$EXTRAS"']"'
    if [[ -n $SHARE ]]; then
        everywhere "mkdir -p rl_credit/runs && sudo mount -t nfs $SHARE rl_credit/runs
            && sudo chmod a+rwx rl_credit/runs"
    fi
}

launch() {
    [[ $* == *--config=* && $* == *--workdir=* ]] ||
        die "launch wants --config=FILE.py[:SIZE] and --workdir=runs/NAME"
    local words
    words=$(printf '%q ' "$@")
    everywhere "cd rl_credit && { setsid nohup .venv/bin/python -m \
experiments.text_agent $words --distributed=auto < /dev/null > run.log 2>&1 & \
echo \$! > run.pid; }"
}

status() {
    tpu describe "$POD" '--format=value(state,health)'
    everywhere 'cd rl_credit && { kill -0 $(cat run.pid) 2> /dev/null && echo running
        || echo not running; } && tail -n 3 run.log'
}

stop() {
    everywhere 'kill -TERM $(cat rl_credit/run.pid)'
}

fetch() {
    [[ $# == 2 ]] || die "fetch wants a run, as in runs/NAME, and a local folder"
    tpu scp --recurse "$POD:rl_credit/$1" "$2" --worker=0
}

delete() {
    tpu delete "$POD"
}

dry_run=0
if [[ ${1:-} == --dry-run ]]; then
    dry_run=1
    shift
fi
command=${1:---help}
shift || true
case $command in
    --help | -h)
        usage
        exit
        ;;
    create | install | launch | status | stop | fetch | delete) ;;
    *) die "unknown command '$command'; --help lists them" ;;
esac
POD=${POD:-rl-credit}
TYPE=${TYPE:-v5litepod-16}
VERSION=${VERSION:-v2-alpha-tpuv5-lite}
SPOT=${SPOT:-0}
EXTRAS=${EXTRAS:-tpu,alfworld}
SHARE=${SHARE:-}
[[ -n ${ZONE:-} ]] || die "say where: ZONE=us-west4-a, for instance"
"$command" "$@"

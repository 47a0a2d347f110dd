#!/usr/bin/env bash
# Begin a campaign from a training set and a potential that are there already:
#
#   examples/06_bring_your_data.sh [TRAINING POTENTIAL SPECIES [OPTION...]]
#
# TRAINING is any file that `aiida-seimlip frames import` reads, POTENTIAL one of MLIP-3 or MLIP-2, SPECIES the elements
# of its types, such as Li,C,O; each OPTION goes to `aiida-seimlip launch al`. Without arguments it is a small set of
# Li2CO3 labelled with GFN1-xTB. With the protocol `demo` it takes some minutes on two cores.
set -euo pipefail

files=$(dirname "$0")/../tests/fixtures/mlip3/shared
training=${1:-$files/train30.cfg}
potential=${2:-$files/l08_nbh_30.almtp}
species=${3:-Li,C,O}

aiida-seimlip setup
aiida-seimlip launch al --training "$training" --potential "$potential" --species "$species" --protocol demo "${@:4}"

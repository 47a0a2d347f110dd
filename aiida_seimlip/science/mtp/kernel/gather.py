"""Neighbours of an atom, sorted by species into vectors of whole registers, and back."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position. Unsigned indices save the question whether they count from the end.

from __future__ import annotations

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import OPTIONS
from aiida_seimlip.science.mtp.kernel.lanes import LANES, add_up, load, root, spread, store


@njit(**OPTIONS)
def gather(i, stride, positions, first, neighbours, vectors, types, cutoff, found, bucket, where, unit, distance):
    """Sort the neighbours within the cut-off by species and fill up with dummies at the cut-off.

    There are no branches, as which pair is within the cut-off cannot be foreseen.

    :param found: workspace; shape (2, stride).
    :param bucket: on return, neighbours of species t are ``bucket[t]:bucket[t + 1]``, dummies in the last bucket.
    :param where: on return, the neighbour's index.
    :return: number of neighbours without dummies.
    """
    n_species = bucket.size - 1
    bucket[:] = 0
    x0, y0, z0 = positions[i, 0], positions[i, 1], positions[i, 2]
    count = 0
    for pair in range(np.uintp(first[i]), np.uintp(first[i + 1])):
        j = np.uintp(neighbours[pair])
        x = vectors[pair, 0] + (positions[j, 0] - x0)
        y = vectors[pair, 1] + (positions[j, 1] - y0)
        z = vectors[pair, 2] + (positions[j, 2] - z0)
        inside = int(x * x + y * y + z * z < cutoff * cutoff)
        t = types[j]
        found[0, np.uintp(count)] = pair
        found[1, np.uintp(count)] = t
        bucket[np.uintp(t + 1)] += inside
        count += inside
    for t in range(n_species):
        bucket[t + 1] += bucket[t]
    for n in range(count):
        pair, t = np.uintp(found[0, n]), np.uintp(found[1, n])
        k = np.uintp(bucket[t])
        bucket[t] += 1
        j = np.uintp(neighbours[pair])
        where[k] = j
        unit[0, k] = vectors[pair, 0] + (positions[j, 0] - x0)
        unit[1, k] = vectors[pair, 1] + (positions[j, 1] - y0)
        unit[2, k] = vectors[pair, 2] + (positions[j, 2] - z0)
    for t in range(n_species - 1, 0, -1):
        bucket[t] = bucket[t - 1]
    bucket[0] = 0
    padded = (count + LANES - 1) // LANES * LANES
    bucket[n_species] = padded
    for k in range(count, padded):
        unit[0, k] = cutoff
        unit[1, k] = 0.0
        unit[2, k] = 0.0
    for k in range(0, padded, LANES):
        x, y, z = load(unit, k), load(unit, stride + k), load(unit, 2 * stride + k)
        r = root(x * x + y * y + z * z)
        inverse = 1.0 / r
        store(distance, k, r)
        store(unit, k, x * inverse)
        store(unit, stride + k, y * inverse)
        store(unit, 2 * stride + k, z * inverse)
    return count


@njit(**OPTIONS)
def scatter(i, count, stride, where, unit, distance, gradient, forces, virial):
    """Add the gradients of an atom's energy to the forces and to the virial of its configuration."""
    fx = fy = fz = xx = yy = zz = yz = xz = xy = spread(0.0)
    for k in range(0, count, LANES):  # gradients of dummies are zero
        r = load(distance, k)
        x, y, z = r * load(unit, k), r * load(unit, stride + k), r * load(unit, 2 * stride + k)
        gx, gy, gz = load(gradient, k), load(gradient, stride + k), load(gradient, 2 * stride + k)
        fx += gx
        fy += gy
        fz += gz
        xx += x * gx
        yy += y * gy
        zz += z * gz
        yz += y * gz + z * gy
        xz += x * gz + z * gx
        xy += x * gy + y * gx
    forces[i, 0] += add_up(fx)
    forces[i, 1] += add_up(fy)
    forces[i, 2] += add_up(fz)
    virial[0] += add_up(xx)
    virial[1] += add_up(yy)
    virial[2] += add_up(zz)
    virial[3] += 0.5 * add_up(yz)
    virial[4] += 0.5 * add_up(xz)
    virial[5] += 0.5 * add_up(xy)
    for k in range(count):
        j = np.uintp(where[k])
        forces[j, 0] -= gradient[0, k]
        forces[j, 1] -= gradient[1, k]
        forces[j, 2] -= gradient[2, k]

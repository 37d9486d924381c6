"""Products and inverse of matrices that BLAS computes in the calling thread.

A pass over many persons is shared by threads over chunks of them. Were BLAS to start its own for
each small product, they would compete for the cores (ten times slower beside other work), and the
last digits of a sum would depend on their number.
"""

from __future__ import annotations

import numpy as np

#: OpenBLAS starts no threads for a product of two matrices of at most so many multiplications, of
#: a matrix and a vector, and for a decomposition of so many rows.
_MATRIX_ALONE, _VECTOR_ALONE, _LAPACK_ALONE = 250_000, 9_000, 48
#: Greatest number of columns of one product, so that slices keep enough rows.
_TILE = 96


def summed_product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """X.T @ Y in slices of rows so small that BLAS stays in the calling thread."""
    (n, wide), deep = left.shape, right.shape[1]
    if deep > _TILE:
        return np.concatenate([summed_product(left, part) for part in _tiles(right)], axis=1)
    if wide > _TILE:
        return np.concatenate([summed_product(part, right) for part in _tiles(left)])
    rows = min(_MATRIX_ALONE // (wide * deep), _VECTOR_ALONE // max(wide, deep))
    whole = n // rows * rows
    slices = left[:whole].reshape(-1, rows, wide).transpose(0, 2, 1)
    product = (slices @ right[:whole].reshape(-1, rows, deep)).sum(axis=0)
    return product + left[whole:].T @ right[whole:]


def _tiles(table: np.ndarray) -> list[np.ndarray]:
    """Columns in even parts of at most `_TILE`."""
    return np.array_split(table, -(-table.shape[1] // _TILE), axis=1)


def inverse(table: np.ndarray) -> np.ndarray:
    """Inverse of a positive definite matrix by Schur complements of its halves.

    LAPACK would call its own threads from 64 rows on, which costs more than the inverse itself.
    Raises LinAlgError where the matrix is not positive definite.
    """
    if len(table) < _LAPACK_ALONE:
        np.linalg.cholesky(table)
        return np.linalg.inv(table)
    half = len(table) // 2
    cross = table[:half, half:]
    first = inverse(table[:half, :half])
    through = summed_product(first, cross)
    rest = inverse(table[half:, half:] - summed_product(cross, through))
    corner = -summed_product(through.T, rest)
    first = first - summed_product(corner.T, through.T)
    return np.block([[first, corner], [corner.T, rest]])


def row_products(table: np.ndarray, right: np.ndarray) -> np.ndarray:
    """X @ y or X @ Y, in slices as `summed_product`."""
    (n, wide), after = table.shape, right.shape[1:]
    rows = max(_MATRIX_ALONE // (wide * after[0]) if after else _VECTOR_ALONE // wide, 1)
    whole = n // rows * rows
    products = np.empty((n, *after), table.dtype)
    products[:whole] = (table[:whole].reshape(-1, rows, wide) @ right).reshape(-1, *after)
    products[whole:] = table[whole:] @ right
    return products

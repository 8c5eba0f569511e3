"""SciPy's side of `npm run bench -- svd`: the leading singular values of a sparse matrix by ARPACK (scipy.sparse.linalg.svds).

Asks are {"folder", "rows", "columns", "rank", "dtype"}; the folder holds the matrix as raw arrays start.u32, index.u32, value.f32. The
answer is {"seconds", "values"}, values from the largest.
"""

import json
import platform
import sys
import time

import numpy as np
import scipy
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds


def decompose(given):
    folder = given["folder"]
    start = np.fromfile(f"{folder}/start.u32", dtype=np.uint32).astype(np.int32)
    index = np.fromfile(f"{folder}/index.u32", dtype=np.uint32).astype(np.int32)
    value = np.fromfile(f"{folder}/value.f32", dtype=np.float32).astype(given["dtype"])
    matrix = csr_matrix((value, index, start), shape=(given["rows"], given["columns"]))
    started = time.perf_counter()
    _, values, _ = svds(matrix, k=given["rank"])
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "values": sorted(values.tolist(), reverse=True)}


print(json.dumps({"versions": {"python": platform.python_version(), "scipy": scipy.__version__}}), flush=True)
for line in sys.stdin:
    print(json.dumps(decompose(json.loads(line))), flush=True)

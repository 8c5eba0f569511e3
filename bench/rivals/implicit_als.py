"""implicit's side of `npm run bench -- ials`, `top-n` and `memory`: `implicit_als.py THREADS [THREADS OF BLAS]`.

Asks, by "case":
  load       {"folder", "rows", "columns"}: the matrix from raw arrays start.u32, index.u32, value.f32 (confidences); answer {}
  fit        {"rank", "regularization", "iterations", "exact", "seed", "start"?, "keep"?}: answer {"seconds"} of the whole fit, {"passes"}, those of
             each iteration, {"bytes"} of the process's peak above what it held before `load`. `start` names a raw f32 array with the columns'
             factors to begin from; `keep` a folder for row.f32 and column.f32
  factors    {"folder", "rank"}: row.f32 and column.f32 as a trained model; answer {}
  recommend  {"row" or null for all, "n", "repeat"}: lists without what is in the matrix; answer {"seconds", "lists", "columns" of the first}
"""

import json
import os
import platform
import resource
import sys
import time

threads = int(sys.argv[1])
# implicit asks for one: its own threads each call BLAS. A single list is a call of BLAS and nothing else.
os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[2] if len(sys.argv) > 2 else "1"

import implicit  # noqa: E402
import numpy as np  # noqa: E402
import scipy  # noqa: E402
from implicit.cpu.als import AlternatingLeastSquares  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402

# Users of a call of recommend, as implicit's own benchmarks do it: it keeps a batch of scores at a time itself.
BATCH = 10_000


def table(path, rank):
    return np.fromfile(path, dtype=np.float32).reshape(-1, rank)


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Asked:
    def load(self, given):
        folder = given["folder"]
        start = np.fromfile(f"{folder}/start.u32", dtype=np.int32)
        index = np.fromfile(f"{folder}/index.u32", dtype=np.int32)
        value = np.fromfile(f"{folder}/value.f32", dtype=np.float32)
        self.matrix = csr_matrix((value, index, start), shape=(given["rows"], given["columns"]))
        return {}

    def fit(self, given):
        model = AlternatingLeastSquares(
            factors=given["rank"],
            regularization=given["regularization"],
            alpha=1.0,
            use_native=True,
            use_cg=not given["exact"],
            iterations=given["iterations"],
            num_threads=threads,
            random_state=given["seed"],
        )
        if "start" in given:
            model.item_factors = table(given["start"], given["rank"])
        passes = []
        started = time.perf_counter()
        model.fit(self.matrix, show_progress=False, callback=lambda _, seconds, __: passes.append(seconds))
        seconds = time.perf_counter() - started
        if "keep" in given:
            model.user_factors.tofile(f"{given['keep']}/row.f32")
            model.item_factors.tofile(f"{given['keep']}/column.f32")
        return {"seconds": seconds, "passes": passes, "bytes": peak() - empty}

    def factors(self, given):
        self.model = AlternatingLeastSquares(factors=given["rank"], num_threads=threads)
        self.model.user_factors = table(f"{given['folder']}/row.f32", given["rank"])
        self.model.item_factors = table(f"{given['folder']}/column.f32", given["rank"])
        return {}

    def recommend(self, given):
        n, row = given["n"], given["row"]
        rows = self.matrix.shape[0]
        started = time.perf_counter()
        if row is None:
            for first in range(0, rows, BATCH):
                some = np.arange(first, min(rows, first + BATCH))
                columns, _ = self.model.recommend(some, self.matrix[some], N=n)
            lists = rows
        else:
            lists = given["repeat"]
            for _ in range(lists):
                columns, _ = self.model.recommend(row, self.matrix[row], N=n)
        seconds = time.perf_counter() - started
        first, _ = self.model.recommend(row or 0, self.matrix[row or 0], N=n)
        return {"seconds": seconds, "lists": lists, "columns": first.tolist()}


versions = {"python": platform.python_version(), "implicit": implicit.__version__, "numpy": np.__version__, "scipy": scipy.__version__}
print(json.dumps({"versions": versions}), flush=True)
asked = Asked()
empty = peak()
for line in sys.stdin:
    given = json.loads(line)
    print(json.dumps(getattr(asked, given["case"])(given)), flush=True)

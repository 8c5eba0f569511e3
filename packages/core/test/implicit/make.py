"""Makes factors.json: what implicit finds in a small world, for ../implicit.test.ts.

    python make.py > factors.json        with implicit 0.7.3, numpy and scipy

World and start are written by whole-number rules, which the test repeats. implicit solves its rows first, lowrank its items, so the items are
the rows. `items` and `users` are f32, row by row, in base64.
"""

import base64
import json
import platform

import implicit
import numpy as np
import scipy
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

USERS, ITEMS, RANK, SWEEPS, REGULARIZATION = 240, 70, 5, 4, 0.1

counts = np.zeros((ITEMS, USERS), dtype=np.float32)
for user in range(USERS):
    for item in range(ITEMS):
        if (3 * user * user + 11 * item + user * item) % 19 < 3:
            counts[item, user] = 1 + (user * item + user + 2 * item) % 5

assert counts.any(axis=0).all() and counts.any(axis=1).all(), "every user and item has a count"
start = np.array(
    [[((13 * user + 7 * f + user * f) % 29 - 14) / 100 for f in range(RANK)] for user in range(USERS)],
    dtype=np.float32,
)


def fit(confidences, alpha):
    model = AlternatingLeastSquares(
        factors=RANK,
        regularization=REGULARIZATION,
        alpha=alpha,
        use_native=True,
        use_cg=False,
        iterations=SWEEPS,
        num_threads=1,
    )
    model.item_factors = start.copy()
    model.fit(csr_matrix(confidences), show_progress=False)
    encoded = lambda table: base64.b64encode(table.astype("<f4").tobytes()).decode()
    return {"items": encoded(model.user_factors), "users": encoded(model.item_factors)}


print(
    json.dumps(
        {
            "versions": {
                "implicit": implicit.__version__,
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "python": platform.python_version(),
            },
            "proportional": fit(counts, 2.0),
            "linear": fit(np.where(counts > 0, 1 + 2 * counts, 0).astype(np.float32), 1.0),
        },
        indent=2,
    )
)

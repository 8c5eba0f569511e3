"""The Python libraries' side of `npm run bench -- ratings`: explicit ratings, each library as it comes or as its manual advises.

Start: `ratings_rivals.py THREADS LIBRARY`, the library one of those below. Asks are {"folder", "users", "items", "low", "high", "seed",
"settings"}; the folder holds ratings as raw arrays (train-user.u32, train-item.u32, train-rating.f32, test-...), the settings are the
library's own keyword arguments. The answer is {"seconds", "rmse"}: fitting alone, and the error on the test ratings, predictions cut to
the range of the ratings.
"""

import json
import os
import platform
import sys
import time

threads, library = int(sys.argv[1]), sys.argv[2]
os.environ["OPENBLAS_NUM_THREADS"] = str(threads)

import numpy as np  # noqa: E402
from versions import version_of  # noqa: E402


def read(folder, part):
    user = np.fromfile(f"{folder}/{part}-user.u32", dtype=np.uint32).astype(np.int32)
    item = np.fromfile(f"{folder}/{part}-item.u32", dtype=np.uint32).astype(np.int32)
    return user, item, np.fromfile(f"{folder}/{part}-rating.f32", dtype=np.float32)


def cmfrec(given, train, test):
    from cmfrec import CMF
    from scipy.sparse import coo_matrix

    user, item, rating = train
    matrix = coo_matrix((rating, (user, item)), shape=(given["users"], given["items"]))
    model = CMF(nthreads=threads, verbose=False, random_state=given["seed"], **given["settings"])
    started = time.perf_counter()
    model.fit(matrix)
    seconds = time.perf_counter() - started
    return seconds, model.predict(test[0], test[1])


def surprise(given, train, test):
    from surprise import SVD, Dataset, Reader

    with open(f"{given['folder']}/train.txt", "w", encoding="ascii") as file:
        file.writelines(f"{u} {i} {r}\n" for u, i, r in zip(*(column.tolist() for column in train)))
    reader = Reader(line_format="user item rating", sep=" ", rating_scale=(given["low"], given["high"]))
    whole = Dataset.load_from_file(f"{given['folder']}/train.txt", reader).build_full_trainset()
    model = SVD(random_state=given["seed"], **given["settings"])
    started = time.perf_counter()
    model.fit(whole)
    seconds = time.perf_counter() - started
    return seconds, np.array([model.predict(str(u), str(i)).est for u, i in zip(test[0], test[1])])


def fit(given):
    train, test = read(given["folder"], "train"), read(given["folder"], "test")
    seconds, scores = {"cmfrec": cmfrec, "surprise": surprise}[library](given, train, test)
    errors = np.clip(scores, given["low"], given["high"]) - test[2]
    return {"seconds": seconds, "rmse": float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))}


versions = {"python": platform.python_version(), library: version_of(library), "numpy": np.__version__}
print(json.dumps({"versions": versions}), flush=True)
for line in sys.stdin:
    print(json.dumps(fit(json.loads(line))), flush=True)

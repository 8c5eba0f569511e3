"""LIBMF's side of `npm run bench -- sgd`: its C++ library through ctypes, no copy of the ratings on the way.

Start: `libmf_sgd.py LIBRARY [PARAMETER…]`, the parameters those that its release has more. Asks are {"folder", "users", "items", "rank", "threads", "epochs", "regularization", "learningRate"}; the
folder holds ratings as raw arrays (train-user.u32, train-item.u32, train-rating.f32, test-...). The answer is {"seconds", "rmse"}: all of
mf_train (its preparation is in there), and the error on the test ratings by its own calc_rmse, and {"bytes"}, the process's peak above what it
held before it read the ratings. Ratings stay loaded while the folder is the same; each training begins from a copy of them in the same order, or
with {"once": true} from themselves.
"""

import ctypes
import json
import os
import pathlib
import platform
import resource
import sys
import time

import numpy as np

CHUNK = 1 << 18
node = np.dtype([("u", np.int32), ("v", np.int32), ("r", np.float32)])


class Problem(ctypes.Structure):
    _fields_ = [("m", ctypes.c_int), ("n", ctypes.c_int), ("nnz", ctypes.c_longlong), ("R", ctypes.c_void_p)]


# Parameters that later releases have.
later = sys.argv[2:]


class Parameter(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("fun", "k", "nr_threads", "nr_bins", "nr_iters")),
        *((name, ctypes.c_float) for name in ("lambda_p1", "lambda_p2", "lambda_q1", "lambda_q2", "eta", *later)),
        *((name, ctypes.c_bool) for name in ("do_nmf", "quiet", "copy_data")),
    ]


library = ctypes.CDLL(sys.argv[1])
library.mf_get_default_param.restype = Parameter
library.mf_train.argtypes = [ctypes.POINTER(Problem), Parameter]
library.mf_train.restype = ctypes.c_void_p
library.calc_rmse.argtypes = [ctypes.POINTER(Problem), ctypes.c_void_p]
library.calc_rmse.restype = ctypes.c_double
library.mf_destroy_model.argtypes = [ctypes.POINTER(ctypes.c_void_p)]


def read(folder, part):
    """Some at a time: the peak of memory is to be that of the training."""
    fields = {"u": ("user.u32", np.uint32), "v": ("item.u32", np.uint32), "r": ("rating.f32", np.float32)}
    count = os.path.getsize(f"{folder}/{part}-user.u32") // 4
    nodes = np.empty(count, dtype=node)
    for field, (name, kind) in fields.items():
        for first in range(0, count, CHUNK):
            some = np.fromfile(f"{folder}/{part}-{name}", dtype=kind, count=CHUNK, offset=4 * first)
            nodes[field][first : first + len(some)] = some
    return nodes


def problem(given, nodes):
    return Problem(given["users"], given["items"], len(nodes), nodes.ctypes.data)


loaded = {}


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def train(given):
    folder = given["folder"]
    if loaded.get("folder") != folder:
        # Shuffled, as its own files usually are; copied for each training, which leaves them in another order.
        train = read(folder, "train")
        np.random.default_rng(1).shuffle(train)
        loaded.update(folder=folder, train=train, test=read(folder, "test"))
        loaded.update(work=train if given.get("once") else np.empty_like(train))
    if loaded["work"] is not loaded["train"]:
        np.copyto(loaded["work"], loaded["train"])
    ours = problem(given, loaded["work"])
    setting = library.mf_get_default_param()
    setting.k = given["rank"]
    setting.nr_threads = given["threads"]
    # As its command line program chooses it
    setting.nr_bins = max(20, 2 * given["threads"])
    setting.nr_iters = given["epochs"]
    setting.lambda_p2 = setting.lambda_q2 = given["regularization"]
    setting.eta = given["learningRate"]
    setting.quiet = True
    setting.copy_data = False
    started = time.perf_counter()
    model = ctypes.c_void_p(library.mf_train(ctypes.byref(ours), setting))
    seconds = time.perf_counter() - started
    rmse = library.calc_rmse(ctypes.byref(problem(given, loaded["test"])), model)
    library.mf_destroy_model(ctypes.byref(model))
    return {"seconds": seconds, "rmse": rmse, "bytes": peak() - empty}


def version():
    """Of the Python package that the library was compiled from."""
    facts = pathlib.Path(sys.argv[1]).with_name("PKG-INFO")
    if not facts.exists():
        return {}
    lines = facts.read_text().splitlines()
    return {"LIBMF": "of libmf " + next(line.split(": ")[1] for line in lines if line.startswith("Version: "))}


versions = {**version(), "python": platform.python_version(), "numpy": np.__version__}
print(json.dumps({"versions": versions}), flush=True)
empty = peak()
for line in sys.stdin:
    print(json.dumps(train(json.loads(line))), flush=True)

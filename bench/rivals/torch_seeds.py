"""PyTorch's side of `npm run bench -- seeds`: the training loops of the five seed notebooks, as these write them.

Lines of JSON in, lines of JSON out: {"case": ..., "updates": ..., <arrays>} asks for that many updates from the given starting
values; the answer is {"seconds", "updates", "loss"}. Only the loop is timed. `loss` is taken after the last update, outside the
timing, so that both sides can be seen to compute the same thing.
"""

import json
import platform
import sys
import time

import numpy as np
import torch


def array(given, dtype=np.float32):
    return torch.from_numpy(np.array(given["data"], dtype=dtype).reshape(given["shape"]))


def mix32(x):
    with np.errstate(over="ignore"):
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x21F0AAAD)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x735A2D97)
        x ^= x >> np.uint32(15)
    return x


def uniform(seed, count, low, high):
    """The stream that both sides start large tables from (support/random.ts: uniform)."""
    with np.errstate(over="ignore"):
        i = np.arange(1, count + 1, dtype=np.uint32)
        h = mix32(np.uint32(seed) + i * np.uint32(0x9E3779B9))
    u = (h >> np.uint32(8)).astype(np.float64) / 2**24
    return (low + (high - low) * u).astype(np.float32)


def dense_adam(given):
    """Notebook 000: full-batch Adam on the norm."""
    A = array(given["A"])
    W = array(given["W"]).requires_grad_(True)
    H = array(given["H"]).requires_grad_(True)
    optimizer = torch.optim.Adam([W, H], lr=0.01)
    started = time.perf_counter()
    for _ in range(given["updates"]):
        loss = torch.norm(torch.mm(W, H) - A)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - started
    return seconds, given["updates"], torch.norm(torch.mm(W, H) - A).item()


def masked_adam(given):
    """Notebook 000 with missing entries."""
    A = array(given["A"])
    W = array(given["W"]).requires_grad_(True)
    H = array(given["H"]).requires_grad_(True)
    mask = ~torch.isnan(A)
    optimizer = torch.optim.Adam([W, H], lr=0.01)
    started = time.perf_counter()
    for _ in range(given["updates"]):
        loss = torch.norm((torch.mm(W, H) - A)[mask])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - started
    return seconds, given["updates"], torch.norm((torch.mm(W, H) - A)[mask]).item()


def entry_sgd(given):
    """Notebook 001: one entry at a time, row by row."""
    A, U, V = array(given["A"]), array(given["U"]), array(given["V"])
    m, n = A.shape
    epochs = given["updates"] // (m * n)
    lr = 0.01
    started = time.perf_counter()
    for _ in range(epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c].T
                U[r] = U[r] + lr * e * V[c]
                V[c] = V[c] + lr * e * U[r]
    seconds = time.perf_counter() - started
    return seconds, epochs * m * n, ((U @ V.T - A) ** 2).sum().item()


class Collaborative:
    """Notebook 002: the collaborative filtering cost over the whole matrix, Y and R from a ratings file."""

    def __init__(self, given):
        rows = np.loadtxt(given["ratings"], delimiter=",", skiprows=1, usecols=(0, 1, 2))
        users, u = np.unique(rows[:, 0], return_inverse=True)
        movies, m = np.unique(rows[:, 1], return_inverse=True)
        means = np.bincount(m, rows[:, 2]) / np.bincount(m)
        Y = np.zeros((len(movies), len(users)))
        R = np.zeros((len(movies), len(users)))
        Y[m, u] = rows[:, 2] - means[m]
        R[m, u] = 1
        self.Y, self.R = torch.from_numpy(Y), torch.from_numpy(R)
        self.rank = given["rank"]

    def run(self, given, dtype):
        n_movies, n_users = self.R.shape
        k = self.rank
        start = uniform(given["seed"], (n_movies + n_users) * k + n_users, -0.1, 0.1)
        X = torch.from_numpy(start[: n_movies * k].reshape(n_movies, k).copy()).requires_grad_(True)
        W = torch.from_numpy(start[n_movies * k : (n_movies + n_users) * k].reshape(n_users, k).copy()).requires_grad_(True)
        b = torch.from_numpy(start[(n_movies + n_users) * k :].reshape(1, n_users).copy()).requires_grad_(True)
        Y, R = self.Y.to(dtype), self.R.to(dtype)

        def cost():
            j = torch.matmul(X, W.T).add(b).subtract(Y).pow(2).multiply(R).sum().multiply(0.5)
            return j + (1 / 2) * (W.pow(2).sum() + X.pow(2).sum())

        optimizer = torch.optim.Adam(params=[X, W, b], lr=1e-4)
        started = time.perf_counter()
        for _ in range(given["updates"]):
            cost_val = cost()
            optimizer.zero_grad()
            cost_val.backward()
            optimizer.step()
        seconds = time.perf_counter() - started
        with torch.no_grad():
            return seconds, given["updates"], float(cost())


class Embeddings(torch.nn.Module):
    def __init__(self, users, items):
        super().__init__()
        self.users = torch.nn.Embedding.from_pretrained(users.clone(), freeze=False, sparse=True)
        self.items = torch.nn.Embedding.from_pretrained(items.clone(), freeze=False, sparse=True)

    def forward(self, user, item):
        return (self.users(user) * self.items(item)).sum(1)


def one_by_one(model, given):
    """Notebooks 003 and 004: embeddings, one rating at a time, tensors made on the way."""
    rows, cols, values = given["rows"], given["cols"], given["values"]
    loss_fn = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=given["lr"])
    passes = given["updates"] // len(rows)
    started = time.perf_counter()
    for _ in range(passes):
        for row, col, value in zip(rows, cols, values):
            optimizer.zero_grad()
            rating = torch.FloatTensor([value])
            user = torch.LongTensor([row])
            item = torch.LongTensor([col])
            loss = loss_fn(model(user, item).reshape(1), rating)
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        errors = model(torch.LongTensor(rows), torch.LongTensor(cols)).reshape(-1) - torch.FloatTensor(values)
        return seconds, passes * len(rows), (errors**2).mean().item()


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"versions": {"python": platform.python_version(), "torch": torch.__version__}}), flush=True)
    collaborative = None
    for line in sys.stdin:
        given = json.loads(line)
        case = given["case"]
        if case == "dense-adam":
            answer = dense_adam(given)
        elif case == "masked-adam":
            answer = masked_adam(given)
        elif case == "entry-sgd":
            answer = entry_sgd(given)
        elif case in ("collaborative-as-written", "collaborative-float32"):
            collaborative = collaborative or Collaborative(given)
            answer = collaborative.run(given, torch.float32 if case.endswith("float32") else torch.float64)
        elif case == "embeddings":
            answer = one_by_one(Embeddings(array(given["users"]), array(given["items"])), given)
        else:
            raise ValueError(f"no case {case}")
        print(json.dumps(dict(zip(("seconds", "updates", "loss"), answer))), flush=True)


main()

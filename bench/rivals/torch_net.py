"""PyTorch's side of `npm run bench -- net`: the same net, batch for batch.

Embeddings side by side through hidden layers with ReLU to a score, beside them the product of further embeddings (NeuMF), biases of
users and items, an offset. Loss of a batch: mean of squared errors plus, for each rating, the penalties of the rows it is on.

Asks are {"folder", "users", "items", "rank", "hidden", "batchSize", "rates" (of each epoch), "regularization", "biasRegularization",
"initScale", "beta1", "beta2", "epsilon", "offset", "low", "high", "seed", "way", "batches"?}; the folder holds ratings as raw arrays
(train-user.u32, train-item.u32, train-rating.f32, test-...). `way` is how PyTorch is used: "sparse" (SparseAdam moves the rows of
a batch, as we do), "dense" (Adam moves every row), "fused" (the same by PyTorch's fused kernel). The answer is {"seconds", "rmse"}:
the training loop alone, and the error on the test ratings after it. With "batches" training ends after so many.
"""

import json
import math
import platform
import sys
import time

import numpy as np
import torch


class Net(torch.nn.Module):
    def __init__(self, given, sparse):
        super().__init__()
        users, items, rank = given["users"], given["items"], given["rank"]
        self.offset = given["offset"]
        self.penalties = given["regularization"], given["biasRegularization"]

        def table(rows, columns, scale):
            embedding = torch.nn.Embedding(rows, columns, sparse=sparse)
            torch.nn.init.normal_(embedding.weight, std=scale) if scale > 0 else torch.nn.init.zeros_(embedding.weight)
            return embedding

        # Both tables of a side lie in one embedding, its first half for the layers, its second for the product: half the look-ups.
        self.rank = rank
        self.users = table(users, 2 * rank, given["initScale"])
        self.items = table(items, 2 * rank, given["initScale"])
        self.user_bias = table(users, 1, 0)
        self.item_bias = table(items, 1, 0)
        layers, width = [], 2 * rank
        for size in given["hidden"]:
            layers += [torch.nn.Linear(width, size), torch.nn.ReLU()]
            width = size
        self.layers = torch.nn.Sequential(*layers)
        self.top = torch.nn.Linear(width + rank, 1)

    def rows(self, user, item):
        return self.users(user), self.items(item), self.user_bias(user), self.item_bias(item)

    def score(self, u, i, bu, bi):
        k = self.rank
        hidden = self.layers(torch.cat([u[:, :k], i[:, :k]], 1))
        top = self.top(torch.cat([hidden, u[:, k:] * i[:, k:]], 1))
        return (top + bu + bi).squeeze(1) + self.offset

    def loss(self, user, item, rating):
        u, i, bu, bi = self.rows(user, item)
        factors, biases = self.penalties
        penalty = factors * (u.square().sum() + i.square().sum()) + biases * (bu.square().sum() + bi.square().sum())
        return (self.score(u, i, bu, bi) - rating).square().mean() + penalty / len(rating)


def read(folder, part):
    user = torch.from_numpy(np.fromfile(f"{folder}/{part}-user.u32", dtype=np.uint32).astype(np.int64))
    item = torch.from_numpy(np.fromfile(f"{folder}/{part}-item.u32", dtype=np.uint32).astype(np.int64))
    return user, item, torch.from_numpy(np.fromfile(f"{folder}/{part}-rating.f32", dtype=np.float32))


def optimizers(model, given):
    settings = {"lr": given["rates"][0], "betas": (given["beta1"], given["beta2"]), "eps": given["epsilon"]}
    dense = [*model.layers.parameters(), *model.top.parameters()]
    tables = [t.weight for t in (model.users, model.items, model.user_bias, model.item_bias)]
    match given["way"]:
        case "sparse":
            return [torch.optim.SparseAdam(tables, **settings), torch.optim.Adam(dense, fused=True, **settings)]
        case "dense":
            return [torch.optim.Adam(tables + dense, **settings)]
        case "fused":
            return [torch.optim.Adam(tables + dense, fused=True, **settings)]


def train(given):
    torch.manual_seed(given["seed"])
    user, item, rating = read(given["folder"], "train")
    test_user, test_item, test_rating = read(given["folder"], "test")
    model = Net(given, given["way"] == "sparse")
    steppers = optimizers(model, given)
    size = given["batchSize"]
    left = given.get("batches", math.inf)
    started = time.perf_counter()
    for rate in given["rates"]:
        for stepper in steppers:
            for group in stepper.param_groups:
                group["lr"] = rate
        order = torch.randperm(len(user))
        shuffled = user[order], item[order], rating[order]
        for batch in zip(*(part.split(size) for part in shuffled)):
            if left == 0:
                break
            left -= 1
            loss = model.loss(*batch)
            for stepper in steppers:
                stepper.zero_grad()
            loss.backward()
            for stepper in steppers:
                stepper.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        scores = model.score(*model.rows(test_user, test_item)).clamp(given["low"], given["high"])
        return {"seconds": seconds, "rmse": (scores - test_rating).square().mean().sqrt().item()}


torch.set_num_threads(int(sys.argv[1]))
print(json.dumps({"versions": {"python": platform.python_version(), "torch": torch.__version__}}), flush=True)
for line in sys.stdin:
    print(json.dumps(train(json.loads(line))), flush=True)

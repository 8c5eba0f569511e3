"""PyTorch's side of `npm run bench -- dense-net`: embeddings, hidden layers with ReLU, one score; mini-batches and Adam.

Asks are {"folder", "users", "items", "rank", "hidden", "batchSize", "epochs", "learningRate", "regularization", "mean", "low",
"high", "seed"}; the folder holds train and test ratings as raw arrays (train-user.u32, train-item.u32, train-rating.f32, test-...).
The answer is {"seconds", "rmse"}: the training loop alone, and the error on the test ratings after it.
"""

import json
import platform
import sys
import time

import numpy as np
import torch


class Net(torch.nn.Module):
    def __init__(self, users, items, rank, hidden):
        super().__init__()
        self.users = torch.nn.Embedding(users, rank)
        self.items = torch.nn.Embedding(items, rank)
        torch.nn.init.normal_(self.users.weight, std=0.1)
        torch.nn.init.normal_(self.items.weight, std=0.1)
        layers, width = [], 2 * rank
        for size in hidden:
            layers += [torch.nn.Linear(width, size), torch.nn.ReLU()]
            width = size
        layers.append(torch.nn.Linear(width, 1))
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, user, item):
        return self.layers(torch.cat([self.users(user), self.items(item)], 1)).squeeze(1)


def read(folder, part):
    user = torch.from_numpy(np.fromfile(f"{folder}/{part}-user.u32", dtype=np.uint32).astype(np.int64))
    item = torch.from_numpy(np.fromfile(f"{folder}/{part}-item.u32", dtype=np.uint32).astype(np.int64))
    return user, item, torch.from_numpy(np.fromfile(f"{folder}/{part}-rating.f32", dtype=np.float32))


def train(given):
    torch.manual_seed(given["seed"])
    user, item, rating = read(given["folder"], "train")
    test_user, test_item, test_rating = read(given["folder"], "test")
    model = Net(given["users"], given["items"], given["rank"], given["hidden"])
    optimizer = torch.optim.Adam(model.parameters(), lr=given["learningRate"], weight_decay=given["regularization"])
    target = rating - given["mean"]
    size = given["batchSize"]
    started = time.perf_counter()
    for _ in range(given["epochs"]):
        order = torch.randperm(len(user))
        for first in range(0, len(user), size):
            batch = order[first : first + size]
            loss = torch.nn.functional.mse_loss(model(user[batch], item[batch]), target[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        scores = (model(test_user, test_item) + given["mean"]).clamp(given["low"], given["high"])
        return {"seconds": seconds, "rmse": (scores - test_rating).pow(2).mean().sqrt().item()}


torch.set_num_threads(int(sys.argv[1]))
print(json.dumps({"versions": {"python": platform.python_version(), "torch": torch.__version__}}), flush=True)
for line in sys.stdin:
    print(json.dumps(train(json.loads(line))), flush=True)

"""PyTorch's training of the small net in src/factorizers/dense-net-torch.test.ts, printed as the constants of that test.

python3 net_optimizers.py   (made with PyTorch 2.15.0; needs nothing else)
"""
import struct
import sys

import torch

torch.set_default_dtype(torch.float64)
RANK, HIDDEN = 2, 3
# (user, item, rating)
CELLS = [(0, 0, 5.0), (0, 2, 2.0), (1, 1, 3.5), (1, 2, 4.0), (2, 0, 1.0), (2, 1, 4.5), (2, 2, 3.0)]
PENALTY, BIAS_PENALTY, LAYER_PENALTY = 0.03, 0.02, 0.01


def unit(seed, i):
    """support/random.ts"""
    x = (seed + (i + 1) * 0x9E3779B9) & 0xFFFFFFFF
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    return ((x ^ (x >> 15)) >> 8) / 2**24


def start(seed, *shape):
    """uniform(seed, i, -0.75, 0.75), which f32 holds exactly"""
    count = torch.Size(shape).numel()
    values = [struct.unpack("f", struct.pack("f", -0.75 + 1.5 * unit(seed, i)))[0] for i in range(count)]
    return torch.tensor(values).reshape(shape)


def train(make, batch, epochs, sparse):
    tables = [start(seed, 3, RANK) for seed in (1, 2, 3, 4)] + [torch.zeros(3, 1), torch.zeros(3, 1)]
    tables = [torch.nn.Embedding.from_pretrained(t, freeze=False, sparse=sparse) for t in tables]
    layers = [start(5, HIDDEN, 2 * RANK), start(6, HIDDEN), start(7, 1, HIDDEN + RANK), start(8, 1)]
    layers = [torch.nn.Parameter(layer) for layer in layers]
    optimizers = make([t.weight for t in tables], layers)
    mean = sum(cell[2] for cell in CELLS) / len(CELLS)
    losses = []
    for _ in range(epochs):
        squares = 0.0
        for at in range(0, len(CELLS), batch):
            users, items, ratings = (torch.tensor(column) for column in zip(*CELLS[at : at + batch]))
            x, y, p, q, b, d = (table(rows) for table, rows in zip(tables, (users, items) * 3))
            hidden = torch.relu(torch.cat([x, y], 1) @ layers[0].T + layers[1])
            score = mean + b[:, 0] + d[:, 0] + (torch.cat([hidden, p * q], 1) @ layers[2].T + layers[3])[:, 0]
            errors = (score - ratings) ** 2
            rows = PENALTY * sum((t**2).sum() for t in (x, y, p, q)) + BIAS_PENALTY * ((b**2).sum() + (d**2).sum())
            loss = (errors.sum() + rows) / len(ratings) + LAYER_PENALTY * sum((w**2).sum() for w in layers)
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            squares += errors.sum().item()
        losses.append((squares / len(CELLS)) ** 0.5)
    names = ("userFactors", "itemFactors", "userProduct", "itemProduct", "userBias", "itemBias")
    names += ("hiddenWeight", "hiddenBias", "topWeight", "topBias")
    print("  losses: [" + ", ".join(f"{loss:.10f}" for loss in losses) + "],")
    for name, values in zip(names, [t.weight for t in tables] + layers):
        print(f"  {name}: [" + ", ".join(f"{value:.10f}" for value in values.flatten().tolist()) + "],")


print("PyTorch", torch.__version__, "Python", sys.version.split()[0])
print("lazyAdam, epsilon 1e-12, batches of 2")
sparse_adam = {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-12}
train(lambda t, w: [torch.optim.SparseAdam(t, **sparse_adam), torch.optim.Adam(w, **sparse_adam)], 2, 3, True)
print("adamw, epsilon 0.05, weightDecay 0.3, all at once")
train(lambda t, w: [torch.optim.AdamW(t + w, **sparse_adam | {"eps": 0.05}, weight_decay=0.3)], 7, 5, False)
print("adagrad, epsilon 0.05, all at once")
train(lambda t, w: [torch.optim.Adagrad(t + w, lr=0.05, eps=0.05)], 7, 5, False)
print("momentum 0.7, all at once")
train(lambda t, w: [torch.optim.SGD(t + w, lr=0.05, momentum=0.7)], 7, 5, False)

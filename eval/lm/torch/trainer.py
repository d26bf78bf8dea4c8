# /// script
# requires-python = ">=3.9"
# dependencies = ["torch>=2.3,<3"]
# ///
"""Trains one small language model with PyTorch and scores it on examples.

Tested with torch 2.6.0 and 2.15.0, on CPUs. The protocol is described in doc.go,
the model and its optimisers in doc.go of the folder above: this file is the same
arithmetic in other words. It needs no network and no package but torch.
"""

import argparse
import json
import math
import os
import struct
import sys
import threading
import time
import traceback

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # repeatable products on CUDA

import torch
import torch.nn.functional as F

PROTOCOL = 1
SPEC = 1  # lm.Version
EPS = 1e-6  # of RMSNorm
ROPE_BASE = 10000.0
MOMENTUM = 0.95
NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5
BETAS, ADAM_EPS = (0.9, 0.95), 1e-8
# Logits held at once, 4 bytes each: fixed, so that no result depends on how much
# memory a machine has.
TRAIN_LOGITS, SCORE_LOGITS = 1 << 28, 1 << 26
REPORT_EVERY = 0.5  # seconds

finished = threading.Event()


def say(**message):
    answers.write(json.dumps(message, allow_nan=False) + "\n")
    answers.flush()


def rms_norm(x):
    x = x.float()
    mean = x.square().mean(-1, keepdim=True)
    # What overflows float32 has no norm: 1/inf would make it 0, and the loss finite.
    return x * torch.where(torch.isinf(mean), torch.nan, torch.rsqrt(mean + EPS))


def rotate(x, cos, sin):
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, low * sin + high * cos), dim=-1)


class Model:
    """A decoder-only transformer; its weights are a dict of float32 tensors."""

    def __init__(self, config, weights, device):
        self.layers, self.heads = config["layers"], config["heads"]
        self.weights = weights
        self.head = "embedding" if config["tied"] else "head"
        half = config["dim"] // self.heads // 2
        frequencies = ROPE_BASE ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = torch.arange(config["context"], dtype=torch.float64)[:, None] * frequencies
        self.cos, self.sin = angles.cos().float().to(device), angles.sin().float().to(device)

    def attention(self, x, w, layer):
        batch, length, dim = x.shape
        cos, sin = self.cos[:length], self.sin[:length]

        def heads(part):
            y = F.linear(x, w[f"layers.{layer}.{part}"])
            return y.view(batch, length, self.heads, dim // self.heads).transpose(1, 2)

        q = rotate(rms_norm(heads("query")), cos, sin)
        k = rotate(rms_norm(heads("key")), cos, sin)
        v = heads("value")
        y = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, is_causal=True)
        return F.linear(y.transpose(1, 2).reshape(batch, length, dim), w[f"layers.{layer}.output"])

    def hidden(self, tokens):
        w = self.weights
        x = rms_norm(F.embedding(tokens, w["embedding"]))
        for layer in range(self.layers):
            x = x + self.attention(rms_norm(x), w, layer)
            up = F.linear(rms_norm(x), w[f"layers.{layer}.up"])
            x = x + F.linear(F.relu(up).square(), w[f"layers.{layer}.down"])
        return rms_norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.weights[self.head]).float()

    def loss_sum(self, rows):
        logits = self.logits(self.hidden(rows[:, :-1]))
        return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="sum")


class Muon:
    """Momentum whose update is made orthogonal; for matrices of one shape."""

    def __init__(self, matrices, dtype):
        self.matrices, self.dtype = matrices, dtype
        self.momentum = [torch.zeros_like(m) for m in matrices]
        rows, cols = matrices[0].shape
        self.scale = math.sqrt(max(1.0, rows / cols))

    def step(self, rate):
        gradients = [m.grad for m in self.matrices]
        torch._foreach_mul_(self.momentum, MOMENTUM)
        torch._foreach_add_(self.momentum, gradients)
        nesterov = torch._foreach_add(gradients, self.momentum, alpha=MOMENTUM)
        update = self.orthogonal(torch.stack(nesterov)).float()
        torch._foreach_add_(self.matrices, list(update.unbind()), alpha=-rate * self.scale)

    def orthogonal(self, x):
        tall = x.shape[-2] > x.shape[-1]
        if tall:
            x = x.mT
        x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(self.dtype)
        for a, b, c in NEWTON_SCHULZ:
            square = x @ x.mT
            x = a * x + (b * square + c * square @ square) @ x
        return x.mT if tall else x


class Adam:
    def __init__(self, weights):
        self.weights, self.count = weights, 0
        self.first = [torch.zeros_like(w) for w in weights]
        self.second = [torch.zeros_like(w) for w in weights]

    def step(self, rate):
        self.count += 1
        correct = [1 - beta**self.count for beta in BETAS]
        for w, first, second in zip(self.weights, self.first, self.second):
            first.lerp_(w.grad, 1 - BETAS[0])
            second.lerp_(w.grad.square(), 1 - BETAS[1])
            w.sub_(rate * (first / correct[0]) / ((second / correct[1]).sqrt() + ADAM_EPS))


def rate(step, steps, spec):
    """The share of the peak rates at a step."""
    at, warm_up, decay = (step + 0.5) / steps, float(spec["warm_up"]), float(spec["decay"])
    rise = at / warm_up if at < warm_up else 1.0
    return min(rise, (1 - at) / decay if 1 - at < decay else 1.0)


class Run:
    def __init__(self, job, machine):
        self.job, self.spec, self.machine = job, job["spec"], machine
        self.device = torch.device(machine.device)
        self.config = self.spec["config"]
        self.weights = {k: w.to(self.device).requires_grad_() for k, w in self.initial()}
        self.model = Model(self.config, self.weights, self.device)
        self.loss_sum = self.model.loss_sum
        if machine.mode == "compiled":
            self.loss_sum = torch.compile(self.loss_sum, dynamic=False)
        self.optimisers = self.make_optimisers()

    def file(self, name, dtype):
        path = os.path.join(self.job["folder"], name)
        size = os.path.getsize(path) // dtype.itemsize
        return torch.from_file(path, shared=False, size=size, dtype=dtype) if size else torch.empty(0, dtype=dtype)

    def initial(self):
        values, at = self.file("init.f32", torch.float32), 0
        for tensor in self.job["tensors"]:
            size = math.prod(tensor["shape"])
            yield tensor["name"], values[at : at + size].clone().view(tensor["shape"])
            at += size

    def make_optimisers(self):
        """Pairs of an optimiser and its peak rate."""
        by_shape, rest = {}, []
        for name, w in self.weights.items():
            if name.startswith("layers."):
                by_shape.setdefault(w.shape, []).append(w)
            else:
                rest.append(w)
        muon, adam = float(self.spec["muon_rate"]), float(self.spec["adam_rate"])
        return [(Muon(m, self.machine.dtype), muon) for m in by_shape.values()] + [(Adam(rest), adam)]

    def batches(self):
        shape = (-1, self.spec["batch"], self.config["context"] + 1)
        for shard in self.job["shards"]:
            for rows in self.file(shard["file"], torch.int16).view(shape):
                yield rows.to(self.device).long() & 0xFFFF

    def train(self):
        context, steps, batch = self.config["context"], self.job["steps"], self.spec["batch"]
        most = max(1, TRAIN_LOGITS // (self.config["vocab"] * context))
        part = max(n for n in range(1, batch + 1) if batch % n == 0 and n <= most)
        told, pending, at = 0, [], time.monotonic()
        for step, rows in enumerate(self.batches()):
            pending.append(self.step(rows, part, rate(step, steps, self.spec)) / (batch * context))
            if step + 1 < steps and time.monotonic() - at < REPORT_EVERY:
                continue
            for loss in torch.stack(pending).tolist():
                told += 1
                if not math.isfinite(loss):
                    say(type="diverged", step=told)
                    return False
                say(type="step", step=told, loss=loss)
            pending, at = [], time.monotonic()
        return True

    def step(self, rows, part, share):
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        for w in self.weights.values():
            w.grad = None
        tokens = rows.shape[0] * (rows.shape[1] - 1)
        for some in rows.split(part):
            with self.machine.cast():
                part_loss = self.loss_sum(some)
            (part_loss / tokens).backward()
            loss += part_loss.detach().double()
        with torch.no_grad():
            for optimiser, peak in self.optimisers:
                optimiser.step(peak * share)
        return loss

    @torch.no_grad()
    def score(self):
        """Writes the scores of all examples, which are computed in float32."""
        tokens = self.file("examples.u16", torch.int16).long() & 0xFFFF
        numbers = self.file("examples.u32", torch.int32).long().view(-1, 2)
        lengths, firsts = numbers[:, 0].tolist(), numbers[:, 1].tolist()
        examples = tokens.split(lengths) if lengths else []
        scores, done, at = [(0.0, 0)] * len(lengths), 0, time.monotonic()
        for group in self.groups(lengths):
            for i, score in zip(group, self.score_group([examples[i] for i in group], [firsts[i] for i in group])):
                scores[i] = score
            done += len(group)
            if done == len(lengths) or time.monotonic() - at >= REPORT_EVERY:
                say(type="scored", example=done)
                at = time.monotonic()
        with open(os.path.join(self.job["folder"], "scores.bin"), "wb") as out:
            out.writelines(struct.pack("<dI", nll, correct) for nll, correct in scores)

    def groups(self, lengths):
        """Indices of examples of like length, as many as fit."""
        group, width = [], 0
        for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
            if group and (len(group) + 1) * width * self.config["vocab"] > SCORE_LOGITS:
                yield group
                group = []
            width = width if group else lengths[i]
            group.append(i)
        if group:
            yield group

    def score_group(self, examples, firsts):
        width = max(map(len, examples))
        rows = torch.zeros((len(examples), width), dtype=torch.int64)
        predicted = torch.zeros((len(examples), width - 1), dtype=torch.bool)
        for i, (example, first) in enumerate(zip(examples, firsts)):
            rows[i, : len(example)] = example
            predicted[i, first - 1 : len(example) - 1] = True
        owners = predicted.nonzero()[:, 0]
        rows, predicted = rows.to(self.device), predicted.to(self.device)
        logits = self.model.logits(self.model.hidden(rows[:, :-1])[predicted])
        targets = rows[:, 1:][predicted]
        losses = F.cross_entropy(logits, targets, reduction="none").double().cpu()
        correct = (logits.argmax(-1) == targets).long().cpu()
        nll = torch.zeros(len(examples), dtype=torch.float64).index_add_(0, owners, losses)
        right = torch.zeros(len(examples), dtype=torch.int64).index_add_(0, owners, correct)
        return list(zip(nll.tolist(), right.tolist()))


class Machine:
    """What the model runs on: a device, a type of numbers, compiled or not."""

    def __init__(self, device, dtype, mode):
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        cuda = self.device == "cuda"
        if cuda and not torch.cuda.is_available():
            raise RuntimeError("there is no CUDA device that this torch can use")
        self.dtype = getattr(torch, dtype or ("bfloat16" if cuda and torch.cuda.is_bf16_supported() else "float32"))
        self.mode = mode or ("compiled" if cuda and self.compiles() else "eager")
        torch.set_float32_matmul_precision("highest")
        if not cuda:
            torch.set_num_threads(1)  # so that no result depends on the number of processors
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False

    def cast(self):
        return torch.autocast(self.device, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def compiles(self):
        try:
            torch.compile(lambda x: x * 2 + 1)(torch.ones(8, device=self.device))
            return True
        except Exception as e:  # no C compiler, no Triton, a Python that is too new
            print(f"not compiled: {e}", file=sys.stderr)
            return False

    def name(self):
        if self.device != "cuda":
            return self.device
        card = torch.cuda.get_device_name()
        return "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in card).lower().split())[:64]

    def greet(self):
        dtype = str(self.dtype).removeprefix("torch.")
        say(type="hello", protocol=PROTOCOL, torch=torch.__version__, device=self.name(), dtype=dtype, mode=self.mode)


def watch_input():
    """Ends the program when whoever asked for it is gone."""
    while os.read(0, 4096):
        pass
    if not finished.is_set():
        os._exit(3)


def work(arguments):
    machine = Machine(arguments.device, arguments.dtype, arguments.mode)
    if arguments.probe:
        return machine.greet()
    job = json.loads(sys.stdin.buffer.readline())
    if job["protocol"] != PROTOCOL or job["spec"]["version"] != SPEC or sys.byteorder != "little":
        raise ValueError(f"protocol {job['protocol']} and spec {job['spec']['version']}, not {PROTOCOL} and {SPEC}, or not a little-endian machine")
    threading.Thread(target=watch_input, daemon=True).start()
    machine.greet()
    run, began = Run(job, machine), time.monotonic()
    if not run.train():
        return
    trained = time.monotonic()
    run.score()
    finished.set()
    say(type="done", train_seconds=trained - began, eval_seconds=time.monotonic() - trained)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probe", action="store_true", help="say what it would run on, and end")
    parser.add_argument("--device", choices=("cuda", "cpu"))
    parser.add_argument("--dtype", choices=("bfloat16", "float32"))
    parser.add_argument("--mode", choices=("compiled", "eager"))
    try:
        work(parser.parse_args())
        return 0
    except Exception as e:
        traceback.print_exc()
        say(type="error", message=f"{type(e).__name__}: {e}"[:4000])
        return 1


if __name__ == "__main__":
    # Libraries that print are not answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    status = main()
    finished.set()
    sys.stderr.flush()
    os._exit(status)

"""Trains the pair model further: python train.py FOLDER SOURCE.onnx TOKENIZER.json TARGET.onnx, with the folder that pairs.ts wrote.

Needs torch, onnx, tokenizers and numpy; half an hour on two cores with bfloat16. Seeded, but sums on another processor end in other
last digits.
"""

import itertools
import json
import math
import random
import sys

import torch
import torch.nn.functional as F
from model import PairModel
from tokenizers import Tokenizer

# The rate falls as if to 0 at the last step of the schedule; more steps brought nothing.
STEPS, SCHEDULE, WARM_UP, BATCH, RATE = 2000, 2500, 60, 64, 6e-5
LONGEST = 128
# Share of the weights as they were in the mean that is written: what was learnt from thirty times as many question pairs is kept
# better. Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
FORMER_SHARE = 0.2
# How much of a label is what the model said before, where labels are noisy; and where there is none.
QUESTIONS_SHARE, NEIGHBOURS_SHARE = 0.5, 1.0
EDITS_A_PASS, BANKING_A_PASS = 3000, 2000


def read(folder, name):
    with open(f"{folder}/{name}.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def written(rows, draw):
    """Pairs of what was written, drawn anew: the minimal pairs twice, and half of what each set of ways gives."""
    pairs = []
    for row in rows:
        if "a" in row:
            pairs += [(row["a"], row["b"], row["same"])] * 2
            continue
        same = [pair for ways in row["intents"] for pair in itertools.combinations(ways, 2)]
        different = [(a, b) for x, y in itertools.combinations(row["intents"], 2) for a in x for b in y]
        draw.shuffle(same)
        draw.shuffle(different)
        same = same[: (len(same) + 1) // 2]
        pairs += [(a, b, True) for a, b in same]
        pairs += [(a, b, False) for a, b in different[: int(1.2 * len(same))]]
    return pairs


class Trainer:
    def __init__(self, folder, source, tokenizer):
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.model = PairModel(source)
        self.draw = random.Random(3)
        self.written = read(folder, "written")
        self.edits = [(r["a"], r["b"], float(r["same"]), 0.7) for r in read(folder, "edits")]
        self.banking = [(r["a"], r["b"], 0.96 * r["same"] + 0.02, 0.5) for r in read(folder, "banking")]
        self.kept = self.softened(read(folder, "questions"), QUESTIONS_SHARE)
        self.kept += self.softened(read(folder, "neighbours"), NEIGHBOURS_SHARE)

    def softened(self, rows, share):
        """Rows whose label is mixed with the probability that the model gives now, so that it forgets nothing."""
        said = torch.sigmoid(self.logits([(r["a"], r["b"]) for r in rows])).tolist()
        labels = [share * p + (0 if r["same"] is None else (1 - share) * r["same"]) for r, p in zip(rows, said)]
        return [(r["a"], r["b"], label, 1.0) for r, label in zip(rows, labels)]

    def encoded(self, rows):
        texts = self.tokenizer.encode_batch([(a, b) for a, b, _, _ in rows])
        return [(t.ids[:LONGEST], t.type_ids[:LONGEST], y, w) for t, (_, _, y, w) in zip(texts, rows)]

    @torch.no_grad()
    def logits(self, pairs):
        """The mean of both orders, as the package has it."""
        self.model.eval()
        items = self.encoded([(a, b, 0, 0) for a, b in pairs] + [(b, a, 0, 0) for a, b in pairs])
        said = torch.zeros(len(items))
        order = sorted(range(len(items)), key=lambda i: len(items[i][0]))
        for at in range(0, len(order), 2 * BATCH):
            some = order[at : at + 2 * BATCH]
            ids, segments, mask, _, _ = tensors([items[i] for i in some])
            with torch.autocast("cpu", torch.bfloat16):
                said[some] = self.model(ids, segments, mask).float()
        return (said[: len(pairs)] + said[len(pairs) :]) / 2

    def batches(self):
        """One pass over everything, in batches of like length."""
        rows = [(a, b, 0.98 * same + 0.01, 1.0) for a, b, same in written(self.written, self.draw)]
        rows += self.kept
        rows += self.draw.sample(self.banking, min(BANKING_A_PASS, len(self.banking)))
        rows += self.draw.sample(self.edits, min(EDITS_A_PASS, len(self.edits)))
        items = self.encoded([(b, a, y, w) if self.draw.random() < 0.5 else (a, b, y, w) for a, b, y, w in rows])
        self.draw.shuffle(items)
        for at in range(0, len(items), 32 * BATCH):
            part = sorted(items[at : at + 32 * BATCH], key=lambda item: len(item[0]))
            batches = [part[i : i + BATCH] for i in range(0, len(part), BATCH)]
            self.draw.shuffle(batches)
            yield from batches

    def train(self):
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.01},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=RATE)
        passes = itertools.chain.from_iterable(self.batches() for _ in itertools.count())
        recent = 0.5
        for step, batch in enumerate(itertools.islice(passes, STEPS)):
            self.model.train()
            for group in optimiser.param_groups:
                group["lr"] = RATE * min(1, step / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / SCHEDULE)) + 1e-7
            ids, segments, mask, labels, weights = tensors(batch)
            with torch.autocast("cpu", torch.bfloat16):
                said = self.model(ids, segments, mask)
            losses = F.binary_cross_entropy_with_logits(said.float(), labels, reduction="none")
            loss = (losses * weights).sum() / weights.sum()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            recent = 0.98 * recent + 0.02 * loss.item()
            if (step + 1) % 100 == 0:
                print(f"{step + 1} of {STEPS}: loss {recent:.3f}", flush=True)


def mean_with(model, former, share):
    """Puts `share` of the former weights into the model's."""
    now = model.state_dict()
    model.load_state_dict({name: share * former[name] + (1 - share) * now[name] for name in now})


def tensors(items):
    # Few lengths, because each new one costs the library a second of preparation.
    length = -(-max(len(ids) for ids, _, _, _ in items) // 16) * 16
    padded = lambda rows: torch.tensor([list(row) + [0] * (length - len(row)) for row in rows])
    ids, segments, labels, weights = zip(*items)
    mask = padded([[1] * len(row) for row in ids])
    return padded(ids), padded(segments), mask, torch.tensor(labels, dtype=torch.float), torch.tensor(weights, dtype=torch.float)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    folder, source, tokenizer, target = sys.argv[1:]
    torch.manual_seed(3)
    trainer = Trainer(folder, source, tokenizer)
    former = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.train()
    mean_with(trainer.model, former, FORMER_SHARE)
    trainer.model.save(source, target)

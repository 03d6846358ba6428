"""Writes seed-keys.json: keys of the reference package, made from its rule alone, for test/core/key.property.ts.

The rule: strip, lower, white space runs to one space, drop everything outside [a-z0-9 ], strip; then prompt, top_k, model (lower, strip) and,
when there is one, the hash of the chunking, joined by "|", through SHA-256.

Run: python3 test/core/seed-keys.py > test/core/seed-keys.json
"""

import hashlib
import json
import random
import re


def key(prompt, top_k, model, chunking=None):
    text = re.sub(r"\s+", " ", prompt.strip().lower())
    text = re.sub(r"[^a-z0-9 ]", "", text).strip()
    parts = [text, str(top_k), model.lower().strip()] + ([chunking] if chunking else [])
    return hashlib.sha256("|".join(parts).encode("utf-8")).hexdigest()


def chunking_hash(size, overlap, separator="\n\n"):
    return hashlib.sha256(f"{size}|{overlap}|{separator}".encode("utf-8")).hexdigest()[:16]


MODEL = "all-MiniLM-L6-v2"
BY_HAND = [
    ("What is AI?", 5, MODEL), ("  what   is\n\nai ", 5, MODEL), ("What is AI?", 10, MODEL), ("What is AI?", 5, " ALL-MiniLM-L6-v2 "),
    ("What is AI?", 5, "another/model"), ("C", 5, MODEL), ("C++", 5, MODEL), ("C#", 5, MODEL), ("1.5", 3, MODEL), ("15", 3, MODEL),
    ("-5", 3, MODEL), ("", 5, MODEL), ("   ", 5, MODEL), ("?!", 5, MODEL), ("什么是缓存?", 5, MODEL), ("Что такое кэш", 5, MODEL),
    ("naïve café", 5, MODEL), ("İstanbul", 5, MODEL), ("K\u212a \u212b", 5, MODEL), ("ΑΣ Straße ﬁ", 5, MODEL),
    ("a\u00a0b\u2003c\u3000d", 5, MODEL), ("a\u200bb\ufeffc", 5, MODEL), ("\ufeffa b\ufeff", 5, MODEL), ("a\x1cb\x1fc\x85d", 5, MODEL),
    ("\x1c\x1d a \x1e\x1f", 5, MODEL), ("a \u0000 b", 5, MODEL), ("a _ b - c", 5, MODEL), ("a - b", 5, MODEL), ("x|y|5", 5, MODEL),
    ("x", 5, "y|z"), ("x", 5, MODEL, chunking_hash(512, 50)), ("x", 5, MODEL, chunking_hash(1024, 0, "|")), ("x", 5, MODEL, ""),
    ("x", 1, "\u00a0\u2028m\x85"), ("x", 10_000, ""), ("👩‍💻 and 🚀 2", 5, MODEL), ("e\u0301 \u00e9", 5, MODEL), ("q" * 5000, 5, MODEL),
]

WORDS = ["how", "What", "is", "the", "BOIL", "egg", "C++", "C#", "node.js", "3.14", "-7", "e-mail", "naïve", "Straße", "İ", "ı", "кэш",
         "缓存", "?", "!", "a_b", "x|y", "it's", "\u2019", "100%", "(2)", "\u0130", "\u1e9e", "Ω", "\u2126", "ﬃ"]
SPACES = [" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u2003", "\u3000", "\x1c", "\x1f", "\x85", "\u200b", "\ufeff", "\u180e", "\u2028"]


def main():
    random.seed(20_240_607)
    cases = list(BY_HAND)
    while len(cases) < 260:
        text = "".join(random.choice(WORDS) + random.choice(SPACES) for _ in range(random.randint(1, 12)))
        text = random.choice(["", random.choice(SPACES)]) + text
        model = random.choice([MODEL, "text-embedding-3-small", " BGE-M3 ", "модель", "m\u3000"])
        case = (text, random.choice([1, 3, 5, 10, 100]), model)
        if random.random() < 0.3:
            case += (chunking_hash(random.choice([128, 512, 1024]), random.choice([0, 50])),)
        cases.append(case)
    names = ["prompt", "topK", "model", "chunking"]
    print(json.dumps([dict(zip(names, case)) | {"key": key(*case)} for case in cases], indent=2))


main()

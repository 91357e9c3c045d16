"""A plain openai script: reviewers with equal prompts in threads, then a summary of all."""

import sys
from concurrent.futures import ThreadPoolExecutor

from openai import OpenAI

STYLE, EXIT_CODE = sys.argv[1], int(sys.argv[2])
client = OpenAI()


def complete(system: str, user: str) -> str:
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
        stream=True,
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def review(chapter: str) -> str:
    first = complete(f"Review a chapter. {STYLE}", f"Chapter {chapter}")
    return complete(f"Review a chapter. {STYLE}", f"Chapter {chapter}\nShorten: {first}")


with ThreadPoolExecutor() as pool:
    reviews = list(pool.map(review, ("one", "two", "three", "four")))
print(complete("You are Editor. You sum up.", "\n".join(reviews)))
sys.exit(EXIT_CODE)

"""A plain openai script: reviewers in threads, a summary, and a headline that is cut off."""

from concurrent.futures import ThreadPoolExecutor

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

EDITOR = "You are Editor. You sum up."
client = OpenAI()


def stream_words(system: str, user: str, last_mark: str = "") -> str:
    """Read a stream, up to a mark if there is one: the rest is not needed."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": system},
        {"role": "user", "content": user},
    ]
    text = ""
    with client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, stream=True
    ) as stream:
        for chunk in stream:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            if last_mark and last_mark in text:
                return text.partition(last_mark)[0]
    return text


def review(chapter: str) -> str:
    first = stream_words("Review a chapter. Be brief.", f"Chapter {chapter}")
    return stream_words("Review a chapter. Be brief.", f"Chapter {chapter}\nShorten: {first}")


with ThreadPoolExecutor() as pool:
    reviews = list(pool.map(review, ("one", "two", "three", "four")))
summary = stream_words(EDITOR, "\n".join(reviews))
print(stream_words(EDITOR, f"A headline for this: {summary}", last_mark="!"))

"""A plain openai script: a writer drafts, a reviewer objects, the writer writes again."""

import sys

from openai import OpenAI

client = OpenAI(max_retries=0)


def ask(prompt: str, *texts: str) -> str:
    messages = [{"role": "system", "content": prompt}]
    messages += [{"role": "user", "content": text} for text in texts]
    completion = client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type] # plain dictionaries
    return str(completion.choices[0].message.content)


def main() -> None:
    draft = ask("You are Writer. You write one sentence.", "Write of the lake.")
    for _ in range(3):
        verdict = ask("You are Reviewer. Answer OK, or say what is wrong.", draft)
        if verdict == "OK":
            break
        draft = ask("You are Writer. You write one sentence.", "Write of the lake.", verdict)
    print(draft)
    sys.exit("OK" not in verdict)


if __name__ == "__main__":
    main()

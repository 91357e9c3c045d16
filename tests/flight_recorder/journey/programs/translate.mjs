// A Node script: two translators in parallel, one of which streams; each reads its text once more.

async function complete(system, user, stream) {
  const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env.OPENAI_API_KEY}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      model: "gpt-4o-mini",
      stream,
      messages: [
        { role: "system", content: system },
        { role: "user", content: user },
      ],
    }),
  })
  if (!response.ok) throw new Error(await response.text())
  if (!stream) return (await response.json()).choices[0].message.content
  let text = ""
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) text += part
  const events = text.split("\n\n").filter((event) => event.startsWith("data: {"))
  return events
    .map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "")
    .join("")
}

async function translate(system, text, stream) {
  const draft = await complete(system, text, stream)
  return complete(system, `Improve: ${draft}`, stream)
}

const replies = await Promise.all([
  translate("You are Jacques. Translate into French. Be brief.", "good day", true),
  translate("Translate into Spanish. Be brief.", "good day", false),
])
console.log(replies.join(", "))

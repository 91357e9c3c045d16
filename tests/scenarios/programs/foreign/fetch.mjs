// A Node script: two translators in parallel, one of which streams.

const style = process.argv[2]

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

const replies = await Promise.all([
  complete(`Translate into French. ${style}`, "good day", true),
  complete(`Translate into Spanish. ${style}`, "good day", false),
])
console.log(replies.join(", "))

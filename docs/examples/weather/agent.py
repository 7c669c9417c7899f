"""A small agent on the official SDK with one tool: it answers one question."""

import json

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Look up the weather for a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SESSION = {
    "type": "realtime",
    "output_modalities": ["text"],
    "instructions": "Answer in one short sentence.",
    "tools": [TOOL],
}


def get_weather(city):
    return {"city": city, "sky": "fog", "degrees": 12}


async def ask(client, question):
    """Ask one question; return the text of the answer."""
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session=SESSION)
        part = {"type": "input_text", "text": question}
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})
        await connection.response.create()
        async for event in connection:
            if event.type == "error":
                raise RuntimeError(event.error.message)
            if event.type != "response.done":
                continue
            calls = [item for item in event.response.output if item.type == "function_call"]
            if not calls:
                return event.response.output[0].content[0].text
            for call in calls:
                output = json.dumps(get_weather(**json.loads(call.arguments)))
                item = {"type": "function_call_output", "call_id": call.call_id, "output": output}
                await connection.conversation.item.create(item=item)
            await connection.response.create()
    raise RuntimeError("the session ended without an answer")

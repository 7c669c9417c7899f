import pytest
from agent import ask
from openai import AsyncOpenAI


@pytest.mark.asyncio
@pytest.mark.realtime("weather.ndjson")
async def test_the_agent_looks_the_weather_up(realtime):
    async with AsyncOpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url) as client:
        answer = await ask(client, "What is the weather in London?")
    assert "foggy" in answer
    realtime.assert_complete()
    assert realtime.conversation.calls[0].name == "get_weather"

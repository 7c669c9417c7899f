// Holds a short conversation with `@openai/agents-realtime`; all events that it received go to standard output.
// Usage: node agents.mjs WEBSOCKET_URL
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.env.EARWITNESS_NODE_MODULES, 'none.js'));
const { RealtimeAgent, RealtimeSession, tool } = require('@openai/agents-realtime');
const { z } = require('zod');

const weather = tool({
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const agent = new RealtimeAgent({ name: 'weather', instructions: 'Be brief.', tools: [weather] });
const session = new RealtimeSession(agent, {
  transport: 'websocket',
  model: 'gpt-realtime',
  tracingDisabled: true,
});

const received = [];
let said = false;
const over = new Promise((resolve, reject) => {
  session.transport.on('*', (event) => {
    received.push(event);
    if (event.type === 'session.updated' && !said) {
      said = true;
      session.sendMessage('What is the weather in Lisbon?');
    }
    if (event.type === 'response.done' && event.response.id === 'resp_2') resolve();
  });
  session.on('error', (error) => reject(error));
});
const disconnected = new Promise((resolve) =>
  session.transport.on('connection_change', (status) => status === 'disconnected' && resolve()),
);

await session.connect({ apiKey: 'sk-not-a-real-key-0123456789', url: process.argv[2] });
await over;
session.close();
await disconnected;
process.stdout.write(JSON.stringify(received));

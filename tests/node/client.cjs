// Holds a recorded conversation with the official `openai` package: frames come as JSON on standard input, what was
// received goes to standard output. Usage: node client.cjs openai|azure BASE_URL
const path = require('node:path');
const modules = process.env.EARWITNESS_NODE_MODULES;
const { AzureOpenAI, OpenAI } = require(path.join(modules, 'openai'));
const { OpenAIRealtimeWS } = require(path.join(modules, 'openai', 'realtime', 'ws'));

async function main() {
  const [kind, baseURL] = process.argv.slice(2);
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  const frames = JSON.parse(text);

  const rt =
    kind === 'azure'
      ? await OpenAIRealtimeWS.azure(
          new AzureOpenAI({
            apiKey: 'not-a-real-azure-key-0123456789',
            endpoint: baseURL,
            apiVersion: '2025-08-28',
            deployment: 'gpt-realtime',
          }),
        )
      : new OpenAIRealtimeWS({ model: 'gpt-realtime' }, new OpenAI({ apiKey: 'sk-not-a-real-key-0123456789', baseURL }));

  const received = [];
  const waiting = [];
  rt.on('event', (event) => {
    received.push(event);
    waiting.shift()?.();
  });
  rt.on('error', () => {}); // error events are in the recording too
  const failed = new Promise((_, reject) => rt.socket.on('error', reject));
  const closed = new Promise((resolve) => rt.socket.on('close', (code) => resolve(code)));
  await Promise.race([new Promise((resolve) => rt.socket.on('open', resolve)), failed]);

  let due = 0;
  for (const frame of frames) {
    if (frame.sender === 'client') {
      rt.send(frame.event);
    } else {
      due += 1;
      while (received.length < due) {
        const more = new Promise((resolve) => waiting.push(resolve));
        if ((await Promise.race([more.then(() => 'event'), closed.then(() => 'closed'), failed])) === 'closed') {
          throw new Error(`closed after ${received.length} of ${due} events`);
        }
      }
    }
  }
  rt.close();
  process.stdout.write(JSON.stringify({ received, code: await closed }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

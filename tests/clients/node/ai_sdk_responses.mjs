// The Vercel AI SDK over the Responses API, the gateway standing where OpenAI would.
import { createOpenAI } from "@ai-sdk/openai";
import { jsonSchema, stepCountIs, streamText, tool } from "ai";
import { baseURL, description, getWeather, parameters, question, read, tell, withAdd } from "./exchange.mjs";

const provider = createOpenAI({
  baseURL,
  apiKey: "none",
  fetch: (url, init) => fetch(url, { ...init, body: JSON.stringify({ ...JSON.parse(init.body), ...withAdd }) }),
});
const result = streamText({
  model: provider.responses("gateway"),
  prompt: question,
  maxRetries: 0,
  tools: { get_weather: tool({ description, inputSchema: jsonSchema(parameters), execute: getWeather }) },
  stopWhen: stepCountIs(5),
  onError: ({ error }) => {
    throw error;
  },
});
for await (const piece of result.textStream) read(piece);
tell({ answer: await result.text, tokens: (await result.totalUsage).totalTokens });

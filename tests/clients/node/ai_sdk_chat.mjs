// The Vercel AI SDK over Chat Completions, the gateway being an OpenAI-compatible provider to it.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, stepCountIs, streamText, tool } from "ai";
import { baseURL, description, getWeather, parameters, question, read, tell, withAdd } from "./exchange.mjs";

const provider = createOpenAICompatible({
  name: "gateway",
  baseURL,
  apiKey: "none",
  includeUsage: true,
  transformRequestBody: (body) => ({ ...body, ...withAdd }),
});
const result = streamText({
  model: provider("gateway"),
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

// `openai` for Node: its runner calls the app's tools and asks again.
import OpenAI from "openai";
import { baseURL, description, getWeather, parameters, question, read, tell, withAdd } from "./exchange.mjs";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const runner = client.chat.completions.runTools({
  model: "gateway",
  stream: true,
  messages: [{ role: "user", content: question }],
  tools: [
    {
      type: "function",
      function: { name: "get_weather", description, parameters, parse: JSON.parse, function: getWeather },
    },
  ],
  ...withAdd,
});
runner.on("content", read);
tell({ answer: await runner.finalContent() });

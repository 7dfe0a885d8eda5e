// `openai` for Node over the Responses API; the app's tools are called here.
import OpenAI from "openai";
import { baseURL, description, getWeather, parameters, question, read, tell, withAdd } from "./exchange.mjs";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
let input = [{ role: "user", content: question }];
let previous_response_id;
let answer;
while (input.length > 0) {
  const stream = client.responses.stream({
    model: "gateway",
    input,
    previous_response_id,
    tools: [{ type: "function", name: "get_weather", description, parameters, strict: true }],
    ...withAdd,
  });
  stream.on("response.output_text.delta", ({ delta }) => read(delta));
  const response = await stream.finalResponse();
  previous_response_id = response.id;
  answer = response.output_text;
  input = response.output
    .filter(({ type, name }) => type === "function_call" && name === "get_weather")
    .map(({ call_id, arguments: said }) => {
      return { type: "function_call_output", call_id, output: getWeather(JSON.parse(said)) };
    });
}
tell({ answer });

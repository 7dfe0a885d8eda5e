// What every client here has to do: ask, run the app's tool, read the answer. Said to the test as JSON.

const { GATEWAY_URL, QUESTION } = process.env;

export const baseURL = `${GATEWAY_URL}/v1`;
export const question = QUESTION;
export const withAdd = { gateway: { tools: ["add"] } };
export const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const description = "The weather in a city.";

const pieces = [];
const asked = [];

export function read(piece) {
  if (piece) pieces.push(piece);
}

export function getWeather({ city }) {
  asked.push(city);
  return `sunny in ${city}`;
}

export function tell(more = {}) {
  console.log(JSON.stringify({ pieces, asked, ...more }));
}

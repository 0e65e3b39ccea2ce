// Requests to the server. Every failure becomes a Problem with words for the reader.

import { words } from "./wording.js";

export class Problem extends Error {
  constructor(message, { kind = "failed", status = 0 } = {}) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

const STORED = "hdoc-token";
let askForToken = async () => null;

/** Name the function that asks the reader for a token when the server wants one. */
export function onToken(ask) { askForToken = ask; }

async function request(path, options = {}, retry = true) {
  const token = sessionStorage.getItem(STORED);
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(words().offline, { kind: "offline" });
  }
  if (response.ok) return response;
  if (response.status === 401 && retry) {
    const given = await askForToken();
    if (given) {
      sessionStorage.setItem(STORED, given);
      return request(path, options);
    }
  }
  const said = await response.json().catch(() => null);
  const kind = said?.error?.kind ?? "failed";
  const known = { queue: words().busy, time: words().late, internal: words().failed, input: words().nothingToRead };
  throw new Problem(known[kind] ?? said?.error?.message ?? words().failed, { kind, status: response.status });
}

const post = (path, body, signal) => request(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
});

export const facts = async () => (await request("/api/v1/model")).json();
export const sample = async (name) => (await request(`/api/v1/samples/${name}`)).json();
export const explain = async (body, signal) => (await post("/api/v1/explain", body, signal)).json();
export const explanationText = async (body) => (await post("/api/v1/explain", body)).text();
export const page = async (body) => (await post("/api/v1/explain.html", body)).blob();
export const check = async (body) => (await post("/api/v1/check", body)).json();
export const article = async (number) => (await request(`/api/v1/articles/${number}`)).json();

export async function articles(query, label, offset, signal) {
  const asked = new URLSearchParams({ q: query, offset, ...(label ? { label } : {}) });
  return (await request(`/api/v1/articles?${asked}`, { signal })).json();
}

export async function extract(file) {
  const name = encodeURIComponent(file.name.slice(-255));
  const options = { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file };
  return (await request(`/api/v1/extract?name=${name}`, options)).json();
}

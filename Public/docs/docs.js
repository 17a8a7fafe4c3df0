// Makes the reference from openapi.json: groups of operations, then the named schemas.

import { announce, byId, copyText, element } from "../modules/dom.js";
import { fields, kind, requirement, resolve, table } from "./schema.js";
import { sender, withKey } from "./try.js";

const METHODS = ["get", "post", "put", "delete", "patch"];
// The examples name the server as its own machine sees it; here it stands where this page came from.
const EXAMPLE_SERVER = "http://127.0.0.1:8080";
const server = new URL("..", location.href).href.replace(/\/$/, "");

async function start() {
  const state = byId("state");
  try {
    const answer = await fetch("../openapi.json");
    if (!answer.ok) throw new Error(`the server said ${answer.status}`);
    show(await answer.json());
    state.remove();
  } catch (error) {
    state.textContent = `openapi.json could not be read: ${error.message}. Is the server running? Load this page again to retry.`;
  }
}

function show(api) {
  byId("version").textContent = `, version ${api.info.version}`;
  const main = byId("reference");
  const contents = byId("contents");
  byId("sign-in").before(element("p", { className: "lead" }, api.info.description));
  for (const tag of api.tags) {
    const operations = operationsOf(api, tag.name);
    main.append(group(tag.name, tag.description, operations.map((item) => operation(api, item))));
    contents.append(element("h2", {}, tag.name), list(operations.map((item) => [`#${item.id}`, `${item.method.toUpperCase()} ${item.path}`])));
  }
  const schemas = Object.entries(api.components.schemas);
  main.append(group("Schemas", "What the answers and the requests are made of.", schemas.map(([name, schema]) => schemaCard(name, schema))));
  contents.append(element("h2", {}, "Schemas"), list(schemas.map(([name]) => [`#schema-${name}`, name])));
  foldContents();
  // The part that the address names exists only now.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

/** Beside the text the contents are always open, above it they start folded: they are longer than a phone. */
function foldContents() {
  const fold = byId("contents-fold");
  const beside = matchMedia("(min-width: 941px)");
  fold.open = beside.matches;
  fold.hidden = false;
  beside.addEventListener("change", () => { fold.open = beside.matches; });
}

/** The page's own address with the path's parameters filled in, where each has one value only; else null. */
function address(item) {
  let path = item.path;
  for (const parameter of item.parameters.filter((one) => one.in === "path")) {
    if (parameter.schema.enum?.length !== 1) return null;
    path = path.replace(`{${parameter.name}}`, encodeURIComponent(parameter.schema.enum[0]));
  }
  return server + path;
}

function operationsOf(api, tag) {
  return Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]?.tags?.includes(tag)).map((method) => ({
    path, method, id: `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, "-")}`.replace(/-$/, ""), ...item[method],
    parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((parameter) => resolve(api, parameter)),
  })));
}

const list = (links) => element("ul", {}, ...links.map(([href, text]) => element("li", {}, element("a", { href }, text))));

function group(title, text, cards) {
  return element("section", { className: "group" }, element("h2", {}, title), element("p", {}, text ?? ""), ...cards);
}

function operation(api, item) {
  const parts = [element("h3", {}, element("span", { className: `method ${item.method}` }, item.method.toUpperCase()), item.path)];
  if (item.summary) parts.push(element("p", { className: "summary" }, item.summary));
  if (item.description) parts.push(element("p", {}, item.description));
  for (const sample of item["x-codeSamples"] ?? []) parts.push(example(sample.label, sample.source.replaceAll(EXAMPLE_SERVER, server), { isCommand: true }));
  const url = address(item);
  if (item.method === "get" && url) parts.push(element("div", { className: "try" }, ...sender(`GET ${item.path}`, "GET", url)));
  if (item.parameters.length) {
    parts.push(element("h4", {}, "Parameters"), table(`Parameters of ${item.path}`, item.parameters.map((parameter) => ({
      name: parameter.name, must: parameter.required, kind: kind(parameter.schema), text: `In the ${parameter.in}. ${parameter.description ?? ""}`,
    }))));
  }
  if (item.requestBody) parts.push(element("h4", {}, "Body"), ...bodies(api, resolve(api, item.requestBody), url && { method: item.method.toUpperCase(), url }));
  parts.push(element("h4", {}, "Answers"), answers(api, item));
  return element("article", { className: "card operation", id: item.id }, ...parts);
}

function bodies(api, body, target) {
  // Types that say the same are told once.
  const told = new Map();
  for (const [type, media] of Object.entries(body.content)) {
    const key = JSON.stringify([media.schema, media.examples]);
    told.set(key, { media, types: [...(told.get(key)?.types ?? []), type] });
  }
  return [...told.values()].flatMap(({ media, types }) => [element("h5", {}, types.join(", ")), ...schemaParts(api, media.schema, types[0]), ...examples(media, target)]);
}

function schemaParts(api, schema, caption) {
  const whole = resolve(api, schema);
  const rows = fields(whole);
  if (!rows.length) return [element("p", {}, whole.description ?? "", ...(whole.description ? [] : kind(whole)))];
  const needed = requirement(whole);
  return [table(caption, rows), needed ? element("p", { className: "hint" }, `Needed: ${needed}.`) : ""];
}

/** `target`: `{ method, url }` where the example is a body that can be sent. */
function examples(media, target) {
  return Object.values(media.examples ?? {}).map((item) => {
    const label = item.summary ?? "JSON";
    const trial = target ? [element("div", { className: "try" }, ...sender(label, target.method, target.url, item.value))] : [];
    return element("details", {}, element("summary", {}, `Example${item.summary ? `: ${item.summary}` : ""}`),
      example(label, JSON.stringify(item.value, null, 1)), ...trial);
  });
}

function answers(api, item) {
  const rows = Object.entries(item.responses).map(([status, answer]) => {
    const whole = resolve(api, answer);
    const types = Object.entries(whole.content ?? {});
    const headers = Object.entries(whole.headers ?? {}).map(([name, header]) => element("div", { className: "hint" }, element("code", {}, name), `: ${header.description ?? "header"}`));
    const value = types.flatMap(([type, media], index) => [index ? element("br") : "", element("code", {}, type), ...(media.schema?.$ref ? [" ", ...kind(media.schema)] : [])]);
    return { name: status, kind: value, text: element("div", {}, whole.description, ...headers, ...types.flatMap(([, media]) => examples(media))) };
  });
  return table(`Answers of ${item.path}`, rows);
}

function schemaCard(name, schema) {
  const rows = fields(schema);
  const parts = rows.length ? [table(name, rows)] : [element("p", {}, ...kind(schema))];
  const needed = requirement(schema);
  return element("article", { className: "card operation", id: `schema-${name}` }, element("h3", {}, name),
    schema.description ? element("p", {}, schema.description) : null, ...parts, needed ? element("p", { className: "hint" }, `Needed: ${needed}.`) : null);
}

/** `isCommand`: the text follows whether there is a key. */
function example(label, text, { isCommand = false } = {}) {
  const copy = element("button", { type: "button", className: "small", "aria-label": `Copy: ${label}` }, "Copy");
  const code = element("code", {}, text);
  if (isCommand) byId("key").addEventListener("input", () => { code.textContent = withKey(text); });
  copy.addEventListener("click", async () => {
    const said = await copyText(code.textContent) ? "Copied" : "Could not be copied";
    announce(said);
    copy.textContent = said;
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  return element("div", { className: "example" }, element("div", { className: "row" }, element("span", { className: "hint" }, label), copy),
    element("pre", { tabIndex: 0, "aria-label": label }, code));
}

byId("sign-in").addEventListener("submit", (event) => event.preventDefault());
start();

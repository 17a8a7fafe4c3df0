// Says in words what a JSON Schema of openapi.json allows.

import { element } from "../modules/dom.js";

/** Follows `$ref` inside the document. */
export function resolve(api, node) {
  if (!node?.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((at, step) => at[step.replaceAll("~1", "/").replaceAll("~0", "~")], api);
}

const nameOf = (reference) => reference.split("/").at(-1);
const schemaLink = (name) => element("a", { href: `#schema-${name}` }, name);

/** What kind of value: text and links to the named schemas. */
export function kind(schema) {
  if (schema === undefined || schema === true) return ["anything"];
  if (schema.$ref) return [schemaLink(nameOf(schema.$ref))];
  if ("const" in schema) return [element("code", {}, JSON.stringify(schema.const))];
  if (schema.enum) return ["one of ", element("code", {}, schema.enum.map(String).join(", "))];
  const choices = schema.anyOf ?? schema.oneOf;
  // Where the choices only say which fields must be there, `requirement` tells.
  if (choices && !schema.properties) return choices.flatMap((choice, index) => [...(index ? [", or "] : []), ...kind(choice)]);
  const types = [schema.type ?? (schema.properties ? "object" : "anything")].flat().join(" or ");
  const about = [];
  if (schema.format === "binary") about.push("the bytes of a file");
  if (schema.contentEncoding) about.push(`in ${schema.contentEncoding}`);
  about.push(...bounds(schema));
  const items = schema.items ? [" of ", ...kind(schema.items)] : [];
  return [types, ...items, ...about.map((text) => `, ${text}`)];
}

function bounds(schema) {
  const words = [];
  if (schema.minimum !== undefined && schema.maximum !== undefined) words.push(`${schema.minimum} to ${schema.maximum}`);
  else if (schema.minimum !== undefined) words.push(`at least ${schema.minimum}`);
  else if (schema.maximum !== undefined) words.push(`at most ${schema.maximum}`);
  if (schema.exclusiveMinimum !== undefined) words.push(`more than ${schema.exclusiveMinimum}`);
  if (schema.exclusiveMaximum !== undefined) words.push(`less than ${schema.exclusiveMaximum}`);
  words.push(...range(schema.minLength, schema.maxLength, "characters"), ...range(schema.minItems, schema.maxItems, "of them"));
  if (schema.default !== undefined) words.push(`else ${schema.default}`);
  return words;
}

function range(low, high, unit) {
  if (low !== undefined && low === high) return [`${low} ${unit}`];
  if (low > 0 && high !== undefined) return [`${low} to ${high} ${unit}`];
  if (high !== undefined) return [`at most ${high} ${unit}`];
  return low > 1 ? [`at least ${low} ${unit}`] : [];
}

/** "image or image_id; expression or expressions", where a schema asks for one of several fields. */
export function requirement(schema) {
  const sets = [schema, ...(schema.allOf ?? [])].map((part) => part.anyOf).filter((set) => set?.every((choice) => choice.required));
  return sets.map((set) => set.map((choice) => choice.required.join(" with ")).join(" or ")).join("; ");
}

/** The fields of an object schema as table rows, those of unnamed objects inside it too. */
export function fields(schema, prefix = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const must = schema.required?.includes(name);
    const inner = field.properties ? field : field.items?.properties ? field.items : null;
    const at = `${prefix}${name}${field.items?.properties ? "[]" : ""}`;
    const row = { name: at, must, kind: inner && !field.properties ? ["array of objects"] : kind(field), text: field.description ?? field.items?.description ?? "" };
    return [row, ...(inner ? fields(inner, `${at}.`) : [])];
  });
}

export function table(caption, rows) {
  const head = element("tr", {}, ...["Name", "Value", "Meaning"].map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((row) => element("tr", {},
    element("th", { scope: "row" }, element("code", {}, row.name), row.must ? element("span", { className: "must" }, "required") : null),
    element("td", { className: "kind" }, ...row.kind), element("td", {}, row.text)));
  return element("table", { className: "fields" },
    element("caption", { className: "visually-hidden" }, caption), element("thead", {}, head), element("tbody", {}, ...body));
}

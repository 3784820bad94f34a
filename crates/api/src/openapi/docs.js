// Renders the OpenAPI document. Everything from it goes in as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function make(name, attributes, ...children) {
  const element = Object.assign(document.createElement(name), attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function resolve(api, schema) {
  const path = schema && schema.$ref;
  return path ? path.slice(2).split("/").reduce((at, key) => at && at[key], api) || {} : schema || {};
}

const nameOf = (schema) => (schema.$ref ? schema.$ref.split("/").pop() : "");

// One schema as indented lines: `name?: type — description`.
function describe(api, schema, depth, seen) {
  const name = nameOf(schema);
  if (name && seen.includes(name)) return [name];
  const inner = name ? [...seen, name] : seen;
  const s = resolve(api, schema);
  const pad = "  ".repeat(depth + 1);
  if (s.const !== undefined) return [JSON.stringify(s.const)];
  if (s.enum) return [s.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if (s.allOf) {
    const merged = { type: "object", properties: {}, required: [] };
    for (const part of s.allOf.map((p) => resolve(api, p))) {
      Object.assign(merged.properties, part.properties);
      merged.required.push(...(part.required || []));
    }
    return describe(api, merged, depth, inner);
  }
  const options = s.oneOf || s.anyOf;
  if (options) {
    const shown = options.map((option) => describe(api, option, depth, inner).join("\n"));
    return [shown.join(shown.some((text) => text.includes("\n")) ? ` |\n${"  ".repeat(depth)}` : " | ")];
  }
  if (s.type === "array") return [`[ ${describe(api, s.items || {}, depth, inner).join("\n")} ]`];
  if (s.properties) {
    const lines = Object.entries(s.properties).map(([key, value]) => {
      const optional = (s.required || []).includes(key) ? "" : "?";
      const type = describe(api, value, depth + 1, inner).join("\n");
      const about = (value.description || "").split("\n")[0];
      return `${pad}${key}${optional}: ${type}${about ? `  // ${about}` : ""}`;
    });
    return [`{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`];
  }
  if (s.additionalProperties && typeof s.additionalProperties === "object") {
    return [`{ [key]: ${describe(api, s.additionalProperties, depth, inner).join("\n")} }`];
  }
  const type = [].concat(s.type || "anything").join(" | ");
  return [s.format ? `${type} (${s.format})` : type];
}

function bodies(api, content) {
  return Object.entries(content || {}).flatMap(([type, media]) => [
    make("code", { textContent: type }),
    make("pre", { textContent: describe(api, media.schema || {}, 0, []).join("\n") }),
  ]);
}

function parameters(list) {
  if (!list || !list.length) return null;
  const rows = list.map((p) =>
    make("tr", {},
      make("td", {}, make("code", { textContent: p.name })),
      make("td", { textContent: p.in + (p.required ? "" : ", optional") }),
      make("td", { textContent: p.description || "" })));
  return make("div", {}, make("h3", { textContent: "Parameters" }), make("table", {}, ...rows));
}

function operation(api, path, method, op) {
  const about = [op.summary, op.description].filter(Boolean).join("\n\n");
  const details = make("details", {},
    make("summary", {},
      make("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
      make("code", { textContent: path }),
      make("span", { textContent: op.summary || "" })));
  details.dataset.text = `${method} ${path} ${about}`.toLowerCase();
  // What is inside is made when it is first opened.
  details.addEventListener("toggle", () => {
    if (details.children.length > 1) return;
    const responses = Object.entries(op.responses || {}).flatMap(([status, response]) => [
      make("h3", { textContent: `${status} ${response.description || ""}` }),
      ...bodies(api, response.content),
    ]);
    const request = op.requestBody ? [make("h3", { textContent: "Request" }), ...bodies(api, op.requestBody.content)] : [];
    details.append(make("div", {}, make("p", { textContent: op.description || "" }), parameters(op.parameters), ...request, ...responses));
  });
  return details;
}

function show(api) {
  document.getElementById("about").textContent = `${api.info.description || ""} Version ${api.info.version}.`;
  const tags = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((m) => item[m])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push(operation(api, path, method, item[method]));
    }
  }
  const sections = [...tags].map(([tag, list]) => make("section", {}, make("h2", { textContent: tag }), ...list));
  document.getElementById("operations").replaceChildren(...sections);
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of sections) {
      const list = [...section.querySelectorAll("details")];
      for (const details of list) details.hidden = !words.every((word) => details.dataset.text.includes(word));
      section.hidden = list.every((details) => details.hidden);
    }
  });
}

fetch("/api/v1/openapi.json")
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`status ${response.status}`))))
  .then(show)
  .catch((error) => {
    document.getElementById("operations").textContent = `The OpenAPI document cannot be shown: ${error.message}`;
  });

// The API page: one self-contained document that reads /openapi.json. It loads nothing from other origins, and inserts
// all content of the document and of answers as text, never as markup.
import { createHash } from 'node:crypto';

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0a7d55}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,sans-serif}
header{position:sticky;top:0;display:flex;gap:12px;align-items:center;padding:12px 20px;border-bottom:1px solid var(--line);background:Canvas;z-index:1}
header h1{font-size:18px;margin:0 auto 0 0}input,textarea{font:inherit;padding:6px 10px;border:1px solid var(--line);border-radius:6px;background:Canvas;color:CanvasText}
main{max-width:960px;margin:0 auto;padding:20px}h2{margin:28px 0 8px;font-size:15px;text-transform:uppercase;letter-spacing:.06em;opacity:.7}
details{border:1px solid var(--line);border-radius:8px;margin:8px 0}summary{cursor:pointer;padding:10px 14px;display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
summary::-webkit-details-marker{display:none}.method{font:600 12px ui-monospace,monospace;min-width:54px;color:var(--accent)}
.path{font-family:ui-monospace,monospace}.what{opacity:.75}.who{margin-left:auto;font-size:12px;opacity:.7}
.inside{padding:4px 14px 14px;border-top:1px solid var(--line)}pre{background:var(--soft);padding:10px;border-radius:6px;overflow:auto;max-height:420px;font-size:13px;white-space:pre-wrap}
table{border-collapse:collapse;width:100%}td{padding:4px 8px 4px 0;vertical-align:top;border-bottom:1px solid var(--soft);white-space:pre-line}td:first-child{font-family:ui-monospace,monospace;white-space:nowrap}
button{font:inherit;padding:6px 14px;border:0;border-radius:6px;background:var(--accent);color:#fff;cursor:pointer}label{display:block;margin:6px 0}label span{display:inline-block;min-width:180px;font-family:ui-monospace,monospace;font-size:13px}textarea{width:100%;min-height:90px;font-family:ui-monospace,monospace;font-size:13px}
`;

// Plain browser JavaScript, without backticks and template placeholders, because it is inside a template literal.
const SCRIPT = `
'use strict';
var spec, list = document.getElementById('list'), search = document.getElementById('search'), token = document.getElementById('token');
function el(tag, props) {
  var node = document.createElement(tag);
  Object.assign(node, props || {});
  for (var i = 2; i < arguments.length; i++) if (arguments[i]) node.append(arguments[i]);
  return node;
}
function resolve(schema) {
  if (schema && schema.$ref) return schema.$ref.split('/').slice(1).reduce(function (at, key) { return at && at[key]; }, spec) || {};
  return schema || {};
}
function sample(schema, depth) {
  schema = resolve(schema);
  if (depth > 6) return null;
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.allOf) return Object.assign.apply(null, [{}].concat(schema.allOf.map(function (part) { return sample(part, depth + 1); })));
  if (schema.oneOf || schema.anyOf) return sample((schema.oneOf || schema.anyOf)[0], depth + 1);
  var type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'array') return [sample(schema.items, depth + 1)];
  if (type === 'integer' || type === 'number') return schema.minimum || 1;
  if (type === 'boolean') return true;
  if (type === 'string') return schema.format === 'date-time' ? '2026-11-11T12:00:00.000Z' : 'string';
  var out = {};
  Object.keys(schema.properties || {}).forEach(function (name) { out[name] = sample(schema.properties[name], depth + 1); });
  return out;
}
function jsonOf(content) {
  var first = content && (content['application/json'] || content['application/problem+json']);
  return first ? first.schema : undefined;
}
function pretty(value) { return typeof value === 'string' ? value : JSON.stringify(value, null, 2); }
function describe(operation) {
  var rows = el('table');
  Object.keys(operation.responses || {}).sort().forEach(function (status) {
    rows.append(el('tr', {}, el('td', { textContent: status }), el('td', { textContent: operation.responses[status].description || '' })));
  });
  return rows;
}
function tryIt(method, path, operation) {
  var form = el('form'), output = el('pre', { hidden: true }), fields = [], body;
  (operation.parameters || []).map(resolve).forEach(function (parameter) {
    var input = el('input', { value: parameter.name === 'Idempotency-Key' ? crypto.randomUUID() : '', placeholder: parameter.required ? 'required' : '' });
    fields.push({ parameter: parameter, input: input });
    form.append(el('label', { title: parameter.description || '' }, el('span', { textContent: parameter.name + ' (' + parameter.in + ')' }), input));
  });
  var schema = operation.requestBody && jsonOf(operation.requestBody.content);
  if (schema) { body = el('textarea', { value: pretty(sample(schema, 0)) }); form.append(el('label', {}, 'Body', body)); }
  form.append(el('button', { textContent: 'Send' }));
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    var url = path, query = new URLSearchParams(), headers = {};
    if (token.value) headers.authorization = 'Bearer ' + token.value.trim();
    fields.forEach(function (field) {
      var value = field.input.value;
      if (field.parameter.in === 'path') url = url.replace('{' + field.parameter.name + '}', encodeURIComponent(value));
      else if (value && field.parameter.in === 'query') query.append(field.parameter.name, value);
      else if (value && field.parameter.in === 'header') headers[field.parameter.name] = value;
    });
    if (body) headers['content-type'] = 'application/json';
    output.hidden = false;
    output.textContent = '…';
    fetch(url + (query.size ? '?' + query : ''), { method: method.toUpperCase(), headers: headers, body: body ? body.value : undefined })
      .then(function (answer) { return answer.text().then(function (text) {
        try { text = pretty(JSON.parse(text)); } catch (error) { /* not JSON: shown as it is */ }
        output.textContent = answer.status + ' ' + answer.statusText + '\\n\\n' + text;
      }); })
      .catch(function (error) { output.textContent = String(error); });
  });
  return el('div', {}, form, output);
}
function card(method, path, operation) {
  var inside = el('div', { className: 'inside' });
  var who = (operation['x-callers'] || []).join(', ');
  var details = el('details', { id: operation.operationId },
    el('summary', {}, el('span', { className: 'method', textContent: method.toUpperCase() }), el('span', { className: 'path', textContent: path }),
      el('span', { className: 'what', textContent: operation.summary || '' }), el('span', { className: 'who', textContent: who })), inside);
  details.addEventListener('toggle', function () {
    if (!details.open || inside.childNodes.length) return;
    inside.append(el('p', { textContent: operation.description || '' }), describe(operation));
    var schema = operation.requestBody && jsonOf(operation.requestBody.content);
    if (schema) inside.append(el('h2', { textContent: 'Body' }), el('pre', { textContent: pretty(resolve(schema)) }));
    inside.append(el('h2', { textContent: 'Try it' }), tryIt(method, path, operation));
  });
  return details;
}
function show() {
  var wanted = search.value.toLowerCase(), groups = {};
  Object.keys(spec.paths).forEach(function (path) {
    Object.keys(spec.paths[path]).forEach(function (method) {
      var operation = spec.paths[path][method];
      var text = [method, path, operation.operationId, operation.summary, (operation['x-callers'] || []).join(' ')].join(' ').toLowerCase();
      if (wanted && text.indexOf(wanted) < 0) return;
      var group = (operation.tags || [])[0] || path.split('/')[1];
      (groups[group] = groups[group] || []).push(card(method, path, operation));
    });
  });
  list.replaceChildren();
  Object.keys(groups).sort().forEach(function (group) { list.append(el('h2', { textContent: group })); list.append.apply(list, groups[group]); });
  if (!list.childNodes.length) list.append(el('p', { textContent: 'Nothing matches.' }));
}
fetch('/openapi.json').then(function (answer) { return answer.json(); }).then(function (document_) {
  spec = document_;
  document.getElementById('title').textContent = spec.info.title + ' API';
  show();
  var target = location.hash && document.getElementById(location.hash.slice(1));
  if (target) { target.open = true; target.scrollIntoView(); }
});
search.addEventListener('input', show);
`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Allows the page's own script and style, and calls to its own origin. */
export const DOCS_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const DOCS_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Gravity API</title>
<style>${STYLE}</style></head>
<body><header><h1 id="title">API</h1><input id="search" type="search" placeholder="Search" aria-label="Search"><input id="token" type="password" placeholder="Access token" aria-label="Access token" autocomplete="off"></header>
<main id="list">Loading…</main>
<script>${SCRIPT}</script></body></html>
`;

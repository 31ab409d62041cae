import assert from "node:assert/strict";

/** What OASIS sarif-v2.1.0-os §3 requires of the parts of a log that we write. */
export interface SarifResult {
  readonly ruleId: string;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations?: readonly SarifLocation[];
  readonly relatedLocations?: readonly SarifLocation[];
}

interface SarifLocation {
  readonly id?: number;
  readonly message?: { readonly text: string };
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string };
    readonly region?: Readonly<Record<string, unknown>>;
  };
}

type Members = Readonly<Record<string, unknown>>;

/** Fails unless `log` is one; @returns the results of its only run. */
export function assertSarif(log: unknown): readonly SarifResult[] {
  const { version, $schema, runs } = members(log, ["version", "runs"], ["$schema"]); // §3.13
  assert.equal(version, "2.1.0");
  assert.match(text($schema), /^https:\/\/.*sarif.*2\.1\.0/);
  const [run] = list(runs);
  assert.equal(list(runs).length, 1);
  const { tool, results, columnKind } = members(run, ["tool", "results"], ["columnKind"]); // §3.14
  assert.ok(["utf16CodeUnits", "unicodeCodePoints"].includes(text(columnKind)));
  const rules = driverRules(members(tool, ["driver"], [])["driver"]);
  for (const result of list(results)) checkResult(result, rules);
  return results as readonly SarifResult[];
}

/** §3.19, §3.49. @returns the rules' ids */
function driverRules(driver: unknown): readonly string[] {
  const { name, rules, version } = members(driver, ["name", "rules"], ["version"]);
  for (const value of [name, version]) text(value);
  const ids = list(rules).map((rule) => {
    const { id, ...texts } = members(rule, ["id", "shortDescription", "fullDescription", "help"], []);
    for (const value of Object.values(texts)) {
      for (const part of Object.values(members(value, ["text"], ["markdown"]))) text(part);
    }
    return text(id);
  });
  assert.equal(new Set(ids).size, ids.length, "ids are unique");
  return ids;
}

/** §3.27 */
function checkResult(result: unknown, rules: readonly string[]): void {
  const optional = ["locations", "relatedLocations"];
  const found = members(result, ["ruleId", "ruleIndex", "level", "message"], optional);
  assert.equal(rules[integer(found["ruleIndex"], 0)], found["ruleId"]);
  assert.ok(["none", "note", "warning", "error"].includes(text(found["level"])));
  checkMessage(found["message"]);
  for (const location of list(found["locations"] ?? [])) checkLocation(location);
  const ids = list(found["relatedLocations"] ?? []).map(checkLocation);
  assert.equal(new Set(ids).size, ids.length, "ids are unique in a result");
}

/** §3.11: text without placeholders, so every brace is doubled. */
function checkMessage(message: unknown): void {
  assert.doesNotMatch(text(members(message, ["text"], [])["text"]).replace(/\{\{|\}\}/g, ""), /[{}]/);
}

/** §3.28 to §3.30. @returns its id */
function checkLocation(location: unknown): number | undefined {
  const { id, message, physicalLocation } = members(location, ["physicalLocation"], ["id", "message"]);
  if (message !== undefined) checkMessage(message);
  const { artifactLocation, region } = members(physicalLocation, ["artifactLocation"], ["region"]);
  const uri = text(members(artifactLocation, ["uri"], [])["uri"]);
  assert.match(uri, /^[\w.~:/?#@!$&'()*+,;=%-]+$/, "RFC 3986 characters only"); // §3.4.3
  assert.doesNotMatch(uri, /%(?![0-9A-F]{2})/);
  if (region !== undefined) checkRegion(region);
  return id === undefined ? undefined : integer(id, 0);
}

function checkRegion(region: unknown): void {
  const optional = ["startColumn", "endColumn", "snippet"];
  const { startLine, startColumn, endColumn, snippet } = members(region, ["startLine"], optional);
  integer(startLine, 1);
  if (startColumn !== undefined) integer(startColumn, 1);
  if (endColumn !== undefined) integer(endColumn, Number(startColumn));
  if (snippet !== undefined) text(members(snippet, ["text"], [])["text"]);
}

/** All members that are required, and none but these and the optional ones: the schema forbids others. */
function members(value: unknown, required: readonly string[], optional: readonly string[]): Members {
  assert.ok(typeof value === "object" && value !== null && !Array.isArray(value));
  const names = Object.keys(value);
  for (const name of required) assert.ok(names.includes(name), `${name} is missing`);
  for (const name of names) assert.ok([...required, ...optional].includes(name), `${name} is not expected`);
  return value as Members;
}

function list(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value));
  return value;
}

function text(value: unknown): string {
  assert.ok(typeof value === "string" && value !== "");
  return value;
}

function integer(value: unknown, least: number): number {
  assert.ok(typeof value === "number" && Number.isInteger(value) && value >= least);
  return value;
}

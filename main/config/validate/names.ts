import type { Diagnostics } from "../diagnostics.js";
import type { IprouteNames, NameTable } from "../iproute-names.js";
import type { Named } from "../keywords/named.js";
import type { Realms } from "../model-routes.js";
import type { ConfigHost } from "../ports.js";

/** What is needed to look up names and interfaces of the host. */
export interface LookUp {
  readonly host: ConfigHost;
  /** Interfaces may come later (dynamic_interfaces). */
  readonly dynamic: boolean;
  readonly names: IprouteNames;
  readonly diagnostics: Diagnostics;
}

/** Undefined after reporting; `says` is the sentence. */
export function numberOf(
  table: NameTable,
  { text, at }: Named,
  most: number,
  says: string,
  { names, diagnostics }: LookUp,
): number | undefined {
  const number = names.find(table, text, most);
  if (number === undefined) diagnostics.error("CFG_UNKNOWN_NAME", at, says, names.hint(table, text));
  return number;
}

/** `[from/]to`. */
export function realmsOf(given: Named, consequence: string, lookUp: LookUp): Realms | undefined {
  const parts = given.text.split("/");
  const [first = "", second] = parts;
  const numbers = parts.map((part) => lookUp.names.find("rt_realms", part, 255));
  const [from, to] = second === undefined ? [0, numbers[0]] : numbers;
  if (parts.length <= 2 && from !== undefined && to !== undefined) return { from, to };
  const hint = lookUp.names.hint("rt_realms", from === undefined ? first : (second ?? first));
  lookUp.diagnostics.error("CFG_UNKNOWN_NAME", given.at, `Invalid realms ${given.text} - ${consequence}`, hint);
  return undefined;
}

/** False after reporting. `of`: what the interface is for. */
export function interfaceIsThere({ text, at }: Named, of: string, { host, dynamic, diagnostics }: LookUp): boolean {
  if (dynamic || host.interfaceExists(text)) return true;
  const message = `WARNING - interface ${text} for ${of} doesn't exist - leaving it out`;
  diagnostics.error("CFG_INTERFACE", at, message, "correct the name, or write dynamic_interfaces into global_defs");
  return false;
}

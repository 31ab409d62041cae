import type { Config } from "./model.js";
import type { ServerCheckConfig } from "./model-checks.js";

type Fields = Record<string, unknown>;

/**
 * A text that crosses threads is a new one each time: after that 50,000 checks have 50,000 copies of `TCP_CHECK`, and each address
 * is there twice. Makes equal texts of real servers one. In place: nothing else has seen this configuration yet.
 */
export function shareTexts({ virtualServers }: Config): void {
  const texts = new Map<string, string>();
  for (const { realServers } of virtualServers)
    for (const server of realServers) {
      shareIn(server as unknown as Fields, texts);
      for (const check of server.checks) shareInCheck(check, server.address, texts);
    }
}

function shareInCheck(check: ServerCheckConfig, address: string, texts: Map<string, string>): void {
  shareIn(check as unknown as Fields, texts);
  if (!("target" in check)) return;
  const target = check.target as unknown as Fields;
  shareIn(target, texts);
  if (target["address"] === address) target["address"] = address;
  if ("urls" in check) for (const url of check.urls) shareIn(url as unknown as Fields, texts);
}

function shareIn(fields: Fields, texts: Map<string, string>): void {
  for (const field in fields) {
    const text = fields[field];
    if (typeof text !== "string" || isOwn(field)) continue;
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    else fields[field] = known;
  }
}

/** Nearly all are different: to remember them would cost more than it saves. */
const isOwn = (field: string): boolean => field === "address" || field === "host";

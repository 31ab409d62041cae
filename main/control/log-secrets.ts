import type { VrrpInstanceConfig } from "../config/model.js";

/** What no line of the log may show: passwords, and keys as they may stand in the file. */
export function secretsOf({
  authPass = "",
  wire,
  guard,
}: Pick<VrrpInstanceConfig, "authPass" | "wire" | "guard">): readonly string[] {
  const keys = (wire.hmac?.keys ?? []).map(({ bytes }) => Buffer.from(bytes));
  const digits = keys.map((key) => key.toString("hex"));
  const heartbeats = (guard?.heartbeats ?? []).map(({ key = "" }) => key);
  return [
    authPass,
    ...heartbeats,
    ...keys.map((key) => key.toString()),
    ...digits,
    ...digits.map((text) => text.toUpperCase()),
  ];
}

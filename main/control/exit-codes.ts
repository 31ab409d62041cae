import type { DaemonError } from "../errors.js";

/** keepalived's. The launcher takes 1, 2 and 4 as permanent, other failures as crashes. */
export const exitCodes = { ok: 0, fatal: 1, permission: 4, noConfig: 6, programError: 70 } as const;

export function exitCodeOf({ code }: DaemonError): number {
  if (code === "E_PRIVILEGE") return exitCodes.permission;
  return code === "E_CONFIG_MISSING" ? exitCodes.noConfig : exitCodes.fatal;
}

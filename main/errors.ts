/** Stable codes of failures that an operator can do something about. docs/errors.md explains each; a test compares them. */
export const errorCodes = {
  E_CONFIG_MISSING: "the configuration file cannot be read",
  E_PRIVILEGE: "a privilege (capability) is missing",
  E_ALREADY_RUNNING: "another instance holds the pid file",
  E_IPVS_MISSING: "the kernel has no IPVS",
  E_NETLINK: "the kernel refused a netlink request",
  E_SOCKET: "a socket could not be opened or used",
  E_NATIVE: "the native module cannot be loaded",
  E_LAUNCHER: "the launcher did not answer as expected",
  E_NAMESPACE: "a network namespace cannot be entered",
  E_TAKE_OVER: "the daemon that runs cannot be replaced in place",
  E_UPGRADE: "the version that took over does not answer",
  E_USAGE: "the command line has errors",
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The system failed. `message` is one line for the person who is paged: what failed, where, why, what to do. */
export class DaemonError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "DaemonError";
    this.code = code;
  }
}

/** errno name of a system error (`ECONNREFUSED`), or undefined. */
export function errnoName(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

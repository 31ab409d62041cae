import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

/** `network is down (ENETDOWN)`, for a positive errno. */
export function errnoText(errno: number): string {
  const known = getSystemErrorMap().get(-errno);
  return known === undefined ? `errno ${errno}` : `${known[1]} (${known[0]})`;
}

/** One line about a caught error. */
export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** strerror(3) texts of glibc and musl that a raw socket gives for sending; raw-socket hands over nothing else. */
const texts: Readonly<Record<string, keyof typeof constants.errno>> = {
  "Operation not permitted": "EPERM",
  "Permission denied": "EACCES",
  "Resource temporarily unavailable": "EAGAIN",
  "Invalid argument": "EINVAL",
  "Message too long": "EMSGSIZE",
  "No such device": "ENODEV",
  "No such device or address": "ENXIO",
  "Network is down": "ENETDOWN",
  "Network is unreachable": "ENETUNREACH",
  "Network unreachable": "ENETUNREACH",
  "No route to host": "EHOSTUNREACH",
  "Host is unreachable": "EHOSTUNREACH",
  "No buffer space available": "ENOBUFS",
  "Cannot allocate memory": "ENOMEM",
  "Cannot assign requested address": "EADDRNOTAVAIL",
};

/** Positive errno of an error that carries its text only; EIO for texts that nobody expected. */
export function errnoOf(error: unknown): number {
  return constants.errno[texts[problemOf(error)] ?? "EIO"];
}

import { constants } from "node:os";
import { entryText, type HostEntry } from "../host-entry.js";
import { errnoText } from "./address-errors.js";

export interface EntryFailure {
  readonly action: "add" | "delete";
  readonly entry: HostEntry;
  /** Positive. */
  readonly errno: number;
  /** The kernel's own words (extended ack); may be empty. */
  readonly reason: string;
  /** An interface that it names and that is not there. */
  readonly missing: string | undefined;
}

/** One sentence: which route or rule, what the kernel said, what to do. */
export function explainEntryError({ action, entry, errno, reason, missing }: EntryFailure): string {
  const said = reason === "" ? errnoText(errno) : `${errnoText(errno)}, ${reason}`;
  return `cannot ${action} ${entryText(entry)}: ${said}: ${adviceFor(entry, errno, missing)}`;
}

function adviceFor(entry: HostEntry, errno: number, missing: string | undefined): string {
  const { EPERM, ENODEV, ENETUNREACH, EHOSTUNREACH, EINVAL, ENETDOWN, EOPNOTSUPP, EAFNOSUPPORT } = constants.errno;
  if (missing !== undefined) return `there is no interface ${missing}; it is added when the interface comes`;
  switch (errno) {
    case EPERM:
      return "the daemon lacks the capability CAP_NET_ADMIN in this network namespace";
    case ENODEV:
      return "an interface that it names is gone";
    case ENETDOWN:
      return "its interface is down; it is added when the interface is up";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "no interface reaches its gateway; correct the gateway, name the interface with dev, or add onlink";
    case EINVAL:
      return entry.kind === "route"
        ? "options of the line do not go together; a preferred source has to be an address of this host"
        : "options of the line do not go together";
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return "the kernel was built without support for an option of the line";
    default:
      return `see \`ip ${entry.kind}\` and the kernel log`;
  }
}

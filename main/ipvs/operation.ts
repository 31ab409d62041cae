import { unreachable } from "../unreachable.js";
import { adviceFor } from "./refusal-advice.js";
import type { Destination, DestinationId, Service, ServiceId } from "./table.js";
import { destinationKey, serviceKey } from "./table.js";

/** One change of the kernel's table. Deleting a service deletes its destinations too. */
export type Operation =
  | { readonly do: "new-service" | "set-service"; readonly service: Service }
  | { readonly do: "del-service"; readonly service: ServiceId }
  | { readonly do: "new-dest" | "set-dest"; readonly service: ServiceId; readonly destination: Destination }
  | { readonly do: "del-dest"; readonly service: ServiceId; readonly destination: DestinationId };

/** The kernel's answer to one operation: 0 or a positive errno, and its own words where it has any. */
export interface OperationVerdict {
  readonly errno: number;
  readonly reason: string;
}

export const ENOENT = 2;
export const ESRCH = 3;
export const EEXIST = 17;

/** What a verdict means for our picture of the kernel. */
export type Outcome =
  /** Done; or, with `surprise`, the kernel was there already: counts as done, but is logged. */
  | { readonly kind: "done"; readonly surprise: boolean }
  /** What was to be changed is not there: the entry (or its whole service) has to be made anew. */
  | { readonly kind: "vanished"; readonly what: "service" | "destination" }
  | { readonly kind: "failed" };

const DONE: Outcome = { kind: "done", surprise: false };
const DONE_ALREADY: Outcome = { kind: "done", surprise: true };
const FAILED: Outcome = { kind: "failed" };
const SERVICE_VANISHED: Outcome = { kind: "vanished", what: "service" };
const DESTINATION_VANISHED: Outcome = { kind: "vanished", what: "destination" };

/** behaviour of keepalived: NEW with EEXIST and DEL with ENOENT count as success; SET_DEST with ENOENT becomes NEW_DEST. */
export function outcomeOf(operation: Operation, errno: number): Outcome {
  if (errno === 0) return DONE;
  switch (operation.do) {
    case "new-service":
      return errno === EEXIST ? DONE_ALREADY : FAILED;
    case "new-dest":
      if (errno === EEXIST) return DONE_ALREADY;
      return errno === ESRCH ? SERVICE_VANISHED : FAILED;
    case "set-service":
      return errno === ESRCH ? SERVICE_VANISHED : FAILED;
    case "set-dest":
      if (errno === ENOENT) return DESTINATION_VANISHED;
      return errno === ESRCH ? SERVICE_VANISHED : FAILED;
    case "del-dest":
    case "del-service": // ESRCH: the service is gone, and its destinations with it
      return errno === ENOENT || errno === ESRCH ? DONE_ALREADY : FAILED;
    default:
      return unreachable(operation);
  }
}

/** setsockopt names and numbers (linux/ip_vs.h) under which keepalived logs an operation, also when it used netlink. */
const sockoptNames = {
  "new-service": "IP_VS_SO_SET_ADD(1154)",
  "set-service": "IP_VS_SO_SET_EDIT(1155)",
  "del-service": "IP_VS_SO_SET_DEL(1156)",
  "new-dest": "IP_VS_SO_SET_ADDDEST(1159)",
  "del-dest": "IP_VS_SO_SET_DELDEST(1160)",
  "set-dest": "IP_VS_SO_SET_EDITDEST(1161)",
} as const;

/** Key of the entry that an operation is about, unique in the table. */
export function operationTarget(operation: Operation): string {
  const service = serviceKey(operation.service);
  return "destination" in operation ? `${service} -> ${destinationKey(operation.destination)}` : service;
}

/** keepalived's sentence for a refused operation, parsed by log filters. */
export function errorSentence(operation: Operation, { errno, reason }: OperationVerdict): string {
  const words = reason === "" ? messageOf(operation, errno) : reason;
  const place =
    "destination" in operation
      ? `${vs(operation.service)} -> ${endpoint(operation.destination)}`
      : vs(operation.service);
  const advice = adviceFor(operation, errno);
  return `IPVS cmd ${sockoptNames[operation.do]} error: ${words}(${errno}) (${place})${advice === undefined ? "" : ` - ${advice}`}`;
}

/** Without brackets also for IPv6, unlike keepalived's other sentences. */
function vs({ match }: ServiceId): string {
  if (match.kind === "fwmark") return `Fwm ${match.fwmark}`;
  return `${match.address}:${match.protocol.toLowerCase()}:${match.port}`;
}

const endpoint = ({ address, port }: DestinationId): string => `${address}:${port}`;

/** What an errno means here, in the words that keepalived's libipvs and ipvsadm use where they have their own. */
function messageOf(operation: Operation, errno: number): string {
  switch (errno) {
    case 1:
      return "Operation not permitted";
    case ENOENT:
      return operation.do.endsWith("-dest") ? "No such destination" : "Scheduler or persistence engine not found";
    case ESRCH:
      return "No such service";
    case 12:
      return "Cannot allocate memory";
    case EEXIST:
      return operation.do === "new-dest" ? "Destination already exists" : "Service already exists";
    case 22:
      return "Invalid operation.  Possibly wrong module version, address not unicast, ...";
    case 97:
      return "Address family not supported by protocol";
    default:
      return "Error";
  }
}

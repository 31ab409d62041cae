import type { Operation } from "./operation.js";
import type { Destination, Service, ServiceId } from "./table.js";

const ENOENT = 2;
const EINVAL = 22;
const ERANGE = 34;

/** What an operator can do about a refusal that the file causes, or a kernel that lacks something. Undefined: nothing is known. */
export function adviceFor(operation: Operation, errno: number): string | undefined {
  switch (operation.do) {
    case "new-service":
    case "set-service":
      return errno === ENOENT ? missingModule(operation.service) : undefined;
    case "new-dest":
    case "set-dest":
      return adviceForDestination(operation.service, operation.destination, errno);
    default:
      return undefined;
  }
}

function missingModule({ scheduler, persistenceEngine }: Service): string {
  const engine =
    persistenceEngine === "" ? "" : ` or no persistence_engine ${persistenceEngine} (ip_vs_pe_${persistenceEngine})`;
  return `this kernel has no lb_algo ${scheduler} (module ip_vs_${scheduler})${engine}: install the module, or configure another`;
}

function adviceForDestination({ family }: ServiceId, destination: Destination, errno: number): string | undefined {
  const { upperThreshold: upper, lowerThreshold: lower } = destination;
  if (errno === ERANGE && lower > upper) return `lthreshold ${lower} must not be above uthreshold ${upper}`;
  if (errno === EINVAL && destination.family !== family)
    return "a real server of the other family needs lvs_method TUN, and excludes lvs_sync_daemon";
  return undefined;
}

import { nextTurn } from "../turn.js";
import type { IpvsBackend } from "./backend.js";
import { destinationPrint, servicePrint } from "./fingerprint.js";
import { type OwnershipRecord, ownershipKey } from "./ownership.js";
import type { Service } from "./table.js";

/** @returns all that the kernel has, as if it were ours; `unread`: services that could not be read, with the reason */
export async function claimAll(
  backend: IpvsBackend,
): Promise<{ readonly records: readonly OwnershipRecord[]; readonly unread: string | undefined }> {
  const services = await backend.dumpServices();
  if (services.kind === "unreliable") return { records: [], unread: services.why };
  const records: OwnershipRecord[] = [];
  let unread: string | undefined;
  for (const service of services.entries) {
    const why = await claimService(backend, service, records);
    unread ??= why;
    await nextTurn();
  }
  return { records, unread };
}

async function claimService(
  backend: IpvsBackend,
  service: Service,
  records: OwnershipRecord[],
): Promise<string | undefined> {
  const dump = await backend.dumpDestinations(service);
  if (dump.kind === "unreliable") return dump.why;
  records.push({ key: ownershipKey(service), print: servicePrint(service) });
  for (const destination of dump.entries)
    records.push({ key: ownershipKey(service, destination), print: destinationPrint(destination) });
  return undefined;
}

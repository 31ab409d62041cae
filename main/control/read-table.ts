import type { IpvsBackend } from "../ipvs/backend.js";
import { entryOf, type ServiceEntry, type Table, tableOf } from "../ipvs/table.js";
import { nextTurn } from "../turn.js";

/** A reading that others disturb is tried again so many times. */
const TRIES = 5;

/** The whole table of the kernel, service by service. @returns why not, where it cannot be read */
export async function readTable(backend: IpvsBackend): Promise<Table | string> {
  let why = "";
  for (let i = 0; i < TRIES; i++) {
    const table = await tryTable(backend);
    if (typeof table !== "string") return table;
    why = table;
  }
  return why;
}

async function tryTable(backend: IpvsBackend): Promise<Table | string> {
  const services = await backend.dumpServices();
  if (services.kind === "unreliable") return services.why;
  const entries: ServiceEntry[] = [];
  for (const service of services.entries) {
    const dump = await backend.dumpDestinations(service);
    if (dump.kind === "unreliable") return dump.why;
    entries.push(entryOf(service, dump.entries));
    await nextTurn();
  }
  return tableOf(entries);
}

import type { IpvsBackend } from "./backend.js";
import type { TurnBudget } from "./batcher.js";
import type { Slot } from "./slot.js";
import { type Service, type ServiceKey, serviceKey } from "./table.js";

/** Services that are read in any case: the dump of all services comes before them again the next time. */
const AT_LEAST = 64;

/**
 * Reads the kernel's state of slots that were never read: one dump of the services, then the destinations of those that exist.
 * @param hurries something waits that is more urgent: the rest stays unread
 * @returns why it did not work, or undefined; slots that could not be read stay unread
 */
export async function readUnread(
  backend: IpvsBackend,
  slots: readonly Slot[],
  budget: TurnBudget,
  hurries: () => boolean = () => false,
): Promise<string | undefined> {
  const unread = slots.filter((slot) => slot.actual.kind === "unread");
  if (unread.length === 0) return undefined;
  const dump = await backend.dumpServices();
  if (dump.kind === "unreliable") return dump.why;
  const services = new Map<ServiceKey, Service>();
  for (const service of dump.entries) {
    services.set(serviceKey(service), service);
    if (budget.worked(1)) await budget.breathe();
  }
  let trouble: string | undefined;
  for (const [done, slot] of unread.entries()) {
    if (done >= AT_LEAST && hurries()) break;
    const service = services.get(slot.key);
    if (service === undefined) {
      slot.read(undefined, []);
      if (budget.worked(1)) await budget.breathe();
      continue;
    }
    const destinations = await backend.dumpDestinations(service);
    if (destinations.kind === "complete") slot.read(service, destinations.entries);
    else trouble = destinations.why;
    await budget.breathe();
  }
  return trouble;
}

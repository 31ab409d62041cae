import type { Run, Settled } from "./batcher.js";
import type { Plan } from "./diff.js";
import { servicePrint } from "./fingerprint.js";
import type { Operation } from "./operation.js";
import type { Slot } from "./slot.js";
import { destinationKey, type ServiceEntry } from "./table.js";

/** One slot's part of a pass of the writer. */
export interface Work {
  readonly slot: Slot;
  readonly plan: Plan;
  /** The wish that the plan was made for. */
  readonly desired: ServiceEntry | undefined;
  /** The noteworthy ones (batcher.ts). */
  readonly settled: Settled[];
}

/** What the comparison found out without a request. */
export function takeNote(slot: Slot, { adopted, forgotten }: Plan): void {
  for (const key of forgotten) {
    if (key === undefined) slot.disownService();
    else slot.disownDestination(key);
  }
  const { desired } = slot;
  if (desired === undefined) return;
  for (const key of adopted) {
    const destination = key === undefined ? undefined : desired.destinations.get(key);
    if (key === undefined) slot.ownService(servicePrint(desired.service));
    else if (destination !== undefined) slot.ownDestination(key, destination);
  }
}

export const plannedAdds = ({ slot, plan }: Work): Run => ({ slot, operations: plan.adds, creates: plan.creates });

/** The service goes, and with it all its destinations. */
export function wholeService(slot: Slot): Work {
  slot.desired = undefined;
  const operation: Operation = { do: "del-service", service: slot.id };
  const deletes = [{ operation, partners: [] }];
  const nothing = { adds: [], creates: undefined, foreign: [], adopted: [], forgotten: [], repairs: [], drift: [] };
  return { slot, plan: { ...nothing, deletes }, desired: undefined, settled: [] };
}

/** Deletes that still make sense now that the adds are answered; the wish may have changed meanwhile, too. */
export function pendingDeletes({ slot, plan, desired, settled }: Work): Run {
  if (settled.length === 0 && slot.desired === desired)
    return { slot, operations: plan.deletes.map(({ operation }) => operation) };
  const refused = new Set(settled.filter((s) => s.outcome.kind !== "done").map((s) => s.operation));
  const stands = (index: number): boolean => {
    const add = plan.adds[index];
    return add !== undefined && !refused.has(add);
  };
  const operations = plan.deletes
    .filter(
      ({ operation, partners }) => (partners.length === 0 || partners.some(stands)) && isUnwanted(slot, operation),
    )
    .map(({ operation }) => operation);
  return { slot, operations };
}

/** Still: a service, or a destination that has gone or is to take no connections. */
function isUnwanted({ desired }: Slot, operation: Operation): boolean {
  if (desired === undefined) return operation.do !== "set-dest";
  if (!("destination" in operation)) return false;
  const wanted = desired.destinations.get(destinationKey(operation.destination));
  return operation.do === "set-dest" ? wanted?.weight === 0 : wanted === undefined;
}

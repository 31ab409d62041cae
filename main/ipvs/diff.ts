import { destinationText, isAsWritten, servicePrint, serviceText, type Written } from "./fingerprint.js";
import type { Operation } from "./operation.js";
import {
  type Destination,
  type DestinationKey,
  type Service,
  type ServiceEntry,
  type ServiceKey,
  sameDestination,
  sameService,
  serviceKey,
} from "./table.js";

/**
 * What is ours of one service, by what we last wrote (fingerprints: fingerprint.ts). With the wish and the kernel's state it
 * makes a three-way comparison: the kernel differs from the wish either because the wish changed or because somebody else
 * changed the kernel.
 */
export interface OwnedService {
  /** Undefined: the service is not ours. */
  readonly print: number | undefined;
  readonly destinations: ReadonlyMap<DestinationKey, Written>;
}

/** All that is known about one service. The pure input of the comparison. */
export interface View {
  /** What we want there; undefined: nothing. */
  readonly desired: ServiceEntry | undefined;
  /** What the kernel has, as last read or acknowledged; undefined: no such service. */
  readonly actual: ServiceEntry | undefined;
  readonly owned: OwnedService;
  /** What to do with an entry of ours that somebody else changed. */
  readonly drift: "keep" | "reset";
  /** Our entries (`serviceKey` or `DestinationKey`) that are not repaired for now: somebody else fights us for them. */
  readonly held: ReadonlySet<string>;
}

/**
 * What takes a destination out of service: its deletion, or its weight becoming 0. Done only when one of `partners` (indexes into
 * `adds`) succeeded; none: in any case.
 */
export interface PlannedDelete {
  readonly operation: Operation;
  readonly partners: readonly number[];
}

/** An entry of ours that somebody else removed or changed, and that this plan puts right. */
export interface Repair {
  readonly key: ServiceKey | DestinationKey;
  readonly kind: "missing" | "changed";
}

/** An entry of ours that somebody else changed, and that stays so. */
export interface Drift {
  readonly service: ServiceKey;
  readonly destination: DestinationKey | undefined;
  readonly wanted: string;
  readonly found: string;
}

export interface Plan {
  /** Sent first, in order, and acknowledged before the deletes are sent. */
  readonly adds: readonly Operation[];
  /** Set when `adds` make just this from nothing. */
  readonly creates: ServiceEntry | undefined;
  readonly deletes: readonly PlannedDelete[];
  /** Set when the service is not wanted but has destinations that are not ours: it stays. */
  readonly foreign: readonly DestinationKey[];
  /** Already as wanted, but not yet ours: adopted without a request. `undefined` stands for the service itself. */
  readonly adopted: readonly (DestinationKey | undefined)[];
  /** Ours no longer: neither wanted nor there. */
  readonly forgotten: readonly (DestinationKey | undefined)[];
  readonly repairs: readonly Repair[];
  readonly drift: readonly Drift[];
}

interface Draft {
  readonly adds: Operation[];
  /** What takes destinations out of service: others have to be there before. */
  readonly losses: Operation[];
  creates: ServiceEntry | undefined;
  readonly deletes: PlannedDelete[];
  readonly foreign: DestinationKey[];
  readonly adopted: (DestinationKey | undefined)[];
  readonly forgotten: (DestinationKey | undefined)[];
  readonly repairs: Repair[];
  readonly drift: Drift[];
}

/** Destinations that are compared between two steps. */
const PER_STEP = 256;

/** The steps from `actual` to `desired` that touch only what is ours, or what the wish names. */
export function planService(view: View): Plan {
  const steps = planInSteps(view);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same, in steps: a service may have tens of thousands of destinations. */
export function* planInSteps(view: View): Generator<void, Plan> {
  const draft: Draft = {
    adds: [],
    losses: [],
    creates: undefined,
    deletes: [],
    foreign: [],
    adopted: [],
    forgotten: [],
    repairs: [],
    drift: [],
  };
  if (view.desired === undefined) yield* planRemoval(view, draft);
  else if (view.actual === undefined) yield* planCreation(view, view.desired, draft);
  else yield* planChange(view, view.desired, view.actual, draft);
  return draft;
}

function* planRemoval({ actual, owned }: View, draft: Draft): Generator<void> {
  if (actual === undefined) {
    for (const key of owned.destinations.keys()) draft.forgotten.push(key);
    if (owned.print !== undefined) draft.forgotten.push(undefined);
    return;
  }
  const foreign: DestinationKey[] = [];
  let compared = 0;
  for (const [key, destination] of actual.destinations) {
    if (++compared % PER_STEP === 0) yield;
    if (owned.destinations.has(key))
      draft.deletes.push({ operation: { do: "del-dest", service: actual.service, destination }, partners: [] });
    else foreign.push(key);
  }
  for (const key of owned.destinations.keys()) {
    if (++compared % PER_STEP === 0) yield;
    if (!actual.destinations.has(key)) draft.forgotten.push(key);
  }
  if (owned.print === undefined) return;
  draft.foreign.push(...foreign);
  if (foreign.length > 0) draft.forgotten.push(undefined);
  else draft.deletes.push({ operation: { do: "del-service", service: actual.service }, partners: [] });
}

function* planCreation({ owned, held }: View, desired: ServiceEntry, draft: Draft): Generator<void> {
  const key = serviceKey(desired.service);
  if (owned.print !== undefined) {
    if (held.has(key)) return;
    draft.repairs.push({ key, kind: "missing" });
  }
  draft.creates = desired;
  const { service, destinations } = desired;
  draft.adds.push({ do: "new-service", service });
  for (const destination of destinations.values()) {
    draft.adds.push({ do: "new-dest", service, destination });
    if (draft.adds.length % PER_STEP === 0) yield;
  }
}

function* planChange(view: View, desired: ServiceEntry, actual: ServiceEntry, draft: Draft): Generator<void> {
  planServiceAttributes(view, desired, actual, draft);
  let compared = 0;
  for (const [key, destination] of desired.destinations) {
    planDestination(view, key, destination, draft);
    if (++compared % PER_STEP === 0) yield;
  }
  for (const key of view.owned.destinations.keys()) {
    if (++compared % PER_STEP === 0) yield;
    if (desired.destinations.has(key)) continue;
    const destination = actual.destinations.get(key);
    if (destination === undefined) draft.forgotten.push(key);
    else draft.losses.push({ do: "del-dest", service: actual.service, destination });
  }
  yield* planLosses(desired, actual, draft);
}

type Comparison = "same" | "adopt" | "ours-changed" | "theirs-changed";

/** Whose change is it? What we never wrote was there before us: the wish counts. */
function compare(same: boolean, written: boolean): Comparison {
  if (same) return written ? "same" : "adopt";
  return written ? "theirs-changed" : "ours-changed";
}

function planServiceAttributes(
  { owned, drift, held }: View,
  desired: ServiceEntry,
  actual: ServiceEntry,
  draft: Draft,
): void {
  const wanted = desired.service;
  const key = serviceKey(wanted);
  const change: Operation = { do: "set-service", service: wanted };
  switch (compare(sameService(wanted, actual.service), servicePrint(wanted) === owned.print)) {
    case "same":
      return;
    case "adopt":
      draft.adopted.push(undefined);
      return;
    case "ours-changed":
      draft.adds.push(change);
      return;
    case "theirs-changed":
      if (drift === "reset" && !held.has(key)) {
        draft.repairs.push({ key, kind: "changed" });
        draft.adds.push(change);
        return;
      }
      draft.drift.push({
        service: key,
        destination: undefined,
        wanted: serviceText(wanted),
        found: serviceText(actual.service),
      });
  }
}

function planDestination(view: View, key: DestinationKey, wanted: Destination, draft: Draft): void {
  const { actual, desired, owned, drift, held } = view;
  const existing = actual?.destinations.get(key);
  const service = desired?.service;
  if (service === undefined) return;
  const written = owned.destinations.get(key);
  if (existing === undefined) {
    if (written !== undefined) {
      if (held.has(key)) return;
      draft.repairs.push({ key, kind: "missing" });
    }
    draft.adds.push({ do: "new-dest", service, destination: wanted });
    return;
  }
  switch (compare(sameDestination(wanted, existing), written !== undefined && isAsWritten(written, wanted))) {
    case "same":
      return;
    case "adopt":
      draft.adopted.push(key);
      return;
    case "ours-changed":
      planWeight(service, wanted, existing, draft);
      return;
    case "theirs-changed":
      if (drift === "reset" && !held.has(key)) {
        draft.repairs.push({ key, kind: "changed" });
        planWeight(service, wanted, existing, draft);
        return;
      }
      draft.drift.push({
        service: serviceKey(service),
        destination: key,
        wanted: destinationText(wanted),
        found: destinationText(existing),
      });
  }
}

function planWeight(service: Service, wanted: Destination, existing: Destination, draft: Draft): void {
  const list = wanted.weight === 0 && existing.weight > 0 ? draft.losses : draft.adds;
  list.push({ do: "set-dest", service, destination: wanted });
}

/**
 * A swap leaves no destination of ours that serves before and after it: quorum lost (pool -> sorry server) or gained (back), or all
 * servers exchanged. Then what goes is paired round robin with what comes, and needs one of its partners: an add that the kernel
 * refuses must not empty the pool. Otherwise what is unwanted goes in any case: a dead server must not stay.
 */
function* planLosses(desired: ServiceEntry, actual: ServiceEntry, draft: Draft): Generator<void> {
  const { adds, losses } = draft;
  if (losses.length === 0) return;
  const comes = (operation: Operation): boolean =>
    (operation.do === "new-dest" || operation.do === "set-dest") && operation.destination.weight > 0;
  const coming = adds.flatMap((operation, index) => (comes(operation) ? [index] : []));
  const survivor = hasSurvivor(desired, actual);
  for (const [i, operation] of losses.entries()) {
    draft.deletes.push({ operation, partners: survivor ? [] : partnersOf(i, losses.length, coming) });
    if (draft.deletes.length % PER_STEP === 0) yield;
  }
}

function hasSurvivor(desired: ServiceEntry, actual: ServiceEntry): boolean {
  for (const [key, { weight }] of desired.destinations)
    if (weight > 0 && (actual.destinations.get(key)?.weight ?? 0) > 0) return true;
  return false;
}

function partnersOf(i: number, deletes: number, adds: readonly number[]): number[] {
  const partners: number[] = [];
  for (let j = adds.length <= deletes ? i % adds.length : i; j < adds.length; j += deletes) {
    const partner = adds[j];
    if (partner !== undefined) partners.push(partner);
  }
  return partners;
}

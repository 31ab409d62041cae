import { unreachable } from "../unreachable.js";
import { CopyOnWriteMap } from "./copy-on-write-map.js";
import type { Drift, OwnedService } from "./diff.js";
import { isAsWritten, servicePrint, type Written } from "./fingerprint.js";
import { type Operation, type Outcome, outcomeOf } from "./operation.js";
import { destinationPart, destinationRecord, servicePart } from "./ownership.js";
import type { OwnershipJournal } from "./ownership-journal.js";
import {
  type Destination,
  type DestinationId,
  type DestinationKey,
  destinationIdOf,
  destinationKey,
  type Service,
  type ServiceEntry,
  type ServiceId,
  type ServiceKey,
  sameDestination,
  sameService,
  serviceKey,
} from "./table.js";

/** Destinations that are compared between two steps. */
const PER_STEP = 256;

/** Our picture of the kernel's side of one service. */
export type Actual =
  | { readonly kind: "unread" }
  | { readonly kind: "absent" }
  | { readonly kind: "present"; service: Service; destinations: CopyOnWriteMap<DestinationKey, Destination> };

/** One service: the wish, the kernel's state as last seen, and what of it is ours. Mutable; IpvsWriter owns it. */
export class Slot {
  readonly key: ServiceKey;
  readonly id: ServiceId;
  desired: ServiceEntry | undefined;
  actual: Actual = { kind: "unread" };
  /**
   * After a reload what was set by hand does not count any more: until the kernel has been read once since then, and then
   * for one more comparison.
   */
  resetDrift: "no" | "until-read" | "once" = "no";
  drift: readonly Drift[] = [];
  /** Count of the writer at the time of the last operation: an older reading of the kernel tells nothing about now. */
  touched = 0;
  /** Entries not repaired for now. */
  readonly held = new Set<string>();
  /** Refused operations by target, with the sentence that was logged. */
  readonly failing = new Map<string, string>();
  #print: number | undefined;
  #written = new CopyOnWriteMap<DestinationKey, Written>();
  readonly #journal: OwnershipJournal;
  /** ownership.ts: of the service; its destinations' keys begin with it. */
  readonly #recordKey: string;

  constructor(id: ServiceId, journal: OwnershipJournal) {
    this.key = serviceKey(id);
    this.id = id;
    this.#journal = journal;
    this.#recordKey = servicePart(id);
  }

  get owned(): OwnedService {
    return { print: this.#print, destinations: this.#written.content };
  }

  /** Before the service is deleted it is read once more: since the last time others may have put destinations into it, which would go with it. */
  doubt(): void {
    if (this.actual.kind === "present") this.actual = { kind: "unread" };
  }

  /** What the comparison takes for the kernel's state; only for a slot that was read. */
  get present(): ServiceEntry | undefined {
    if (this.actual.kind !== "present") return undefined;
    return { service: this.actual.service, destinations: this.actual.destinations.content };
  }

  /** Nothing wanted, nothing ours: nobody needs this slot. */
  get idle(): boolean {
    return this.desired === undefined && this.#print === undefined && this.#written.content.size === 0;
  }

  /** Not as it should be, as far as we know: worth another look when everything is forgiven. */
  get isInTrouble(): boolean {
    return this.actual.kind === "unread" || this.drift.length + this.failing.size + this.held.size > 0;
  }

  /** From the state that outlived a crash. Not reported as a change: it is recorded already. */
  adopt(destination: DestinationId | undefined, print: number): void {
    if (destination === undefined) this.#print = print;
    else this.#written.set(destinationKey(destination), print);
  }

  ownService(print: number): void {
    if (this.#print === print) return;
    this.#print = print;
    this.#journal.added({ key: this.#recordKey, print });
  }

  ownDestination(key: DestinationKey, destination: Destination): void {
    const before = this.#written.content.get(key);
    if (before !== undefined && isAsWritten(before, destination)) return;
    this.#written.set(key, destination);
    this.#journal.added(destinationRecord(this.#recordKey, destination));
  }

  disownService(): void {
    if (this.#print === undefined) return;
    this.#print = undefined;
    this.#journal.removed(this.#recordKey);
  }

  disownDestination(key: DestinationKey): void {
    if (this.#written.delete(key)) this.#journal.removed(this.#recordKey + destinationPart(destinationIdOf(key)));
  }

  /** @returns true when that is news. */
  observeService(service: Service | undefined): boolean {
    if (service === undefined) {
      if (this.actual.kind === "absent") return false;
      this.actual = { kind: "absent" };
      return true;
    }
    if (this.actual.kind !== "present") {
      this.actual = { kind: "unread" }; // it came back with who knows which destinations
      return true;
    }
    if (sameService(this.actual.service, service)) return false;
    this.actual.service = service;
    return true;
  }

  /**
   * In steps, between which nothing may be written to the service. @returns true when that is news. Only a slot whose service is
   * there has destinations.
   */
  *observeDestinations(destinations: readonly Destination[]): Generator<void, boolean> {
    const { actual } = this;
    if (actual.kind !== "present") return false;
    const news = !(yield* this.#isAsKnown(actual.destinations.content, destinations));
    if (this.actual !== actual) return false; // read anew meanwhile
    if (news) this.#read(actual.service, destinations);
    if (this.resetDrift !== "no") this.resetDrift = news ? "once" : "no";
    return news;
  }

  read(service: Service | undefined, destinations: readonly Destination[]): void {
    if (service === undefined) this.actual = { kind: "absent" };
    else this.#read(service, destinations);
  }

  /** The kernel had no such service; now it has all of `entry`, from us. */
  created({ service, destinations }: ServiceEntry): void {
    this.actual = { kind: "present", service, destinations: new CopyOnWriteMap(destinations) };
    if (this.#print === undefined && this.#written.content.size === 0) {
      this.#print = servicePrint(service);
      this.#written = new CopyOnWriteMap<DestinationKey, Written>(destinations);
      this.#journal.created({ key: this.#recordKey, print: this.#print }, destinations.values());
      return;
    }
    this.ownService(servicePrint(service));
    for (const [key, destination] of destinations) this.ownDestination(key, destination);
  }

  /** What was changed entry by entry and is now as wanted goes back to one map for all three; services of a group have one in common. */
  share(): void {
    const { actual, desired } = this;
    if (desired === undefined || actual.kind !== "present") return;
    const { destinations } = desired;
    const [there, written] = [actual.destinations.content, this.#written.content];
    if (there === destinations && written === destinations) return;
    if (there.size !== destinations.size || written.size !== destinations.size) return;
    for (const [key, destination] of destinations)
      if (there.get(key) !== destination || written.get(key) !== destination) return;
    actual.destinations = new CopyOnWriteMap(destinations);
    this.#written = new CopyOnWriteMap<DestinationKey, Written>(destinations);
  }

  /** Takes the kernel's verdict over into the picture. */
  settle(operation: Operation, errno: number): Outcome {
    const outcome = outcomeOf(operation, errno);
    if (outcome.kind === "done") this.#done(operation, outcome.surprise);
    else if (outcome.kind === "vanished" && outcome.what === "service") this.actual = { kind: "absent" };
    else if (outcome.kind === "vanished" && this.actual.kind === "present" && "destination" in operation)
      this.actual.destinations.delete(destinationKey(operation.destination));
    return outcome;
  }

  #done(operation: Operation, surprise: boolean): void {
    switch (operation.do) {
      case "new-service":
        // It exists already, but as what? Reading it again decides.
        this.actual = surprise
          ? { kind: "unread" }
          : { kind: "present", service: operation.service, destinations: new CopyOnWriteMap() };
        this.ownService(servicePrint(operation.service));
        break;
      case "set-service":
        if (this.actual.kind === "present") this.actual.service = operation.service;
        this.ownService(servicePrint(operation.service));
        break;
      case "del-service":
        this.actual = { kind: "absent" };
        for (const key of [...this.#written.content.keys()]) this.disownDestination(key);
        this.disownService();
        break;
      case "new-dest":
      case "set-dest":
        this.#wrote(operation.destination);
        break;
      case "del-dest":
        this.#deleted(destinationKey(operation.destination));
        break;
      default:
        unreachable(operation);
    }
  }

  #wrote(destination: Destination): void {
    const key = destinationKey(destination);
    if (this.actual.kind === "present") this.actual.destinations.set(key, destination);
    this.ownDestination(key, destination);
  }

  #deleted(key: DestinationKey): void {
    if (this.actual.kind === "present") this.actual.destinations.delete(key);
    this.disownDestination(key);
  }

  *#isAsKnown(
    known: ReadonlyMap<DestinationKey, Destination>,
    found: readonly Destination[],
  ): Generator<void, boolean> {
    if (found.length !== known.size) return false;
    let compared = 0;
    for (const destination of found) {
      const before = known.get(destinationKey(destination));
      if (before === undefined || !sameDestination(before, destination)) return false;
      if (++compared % PER_STEP === 0) yield;
    }
    return true;
  }

  #read(service: Service, destinations: readonly Destination[]): void {
    const map = new Map(destinations.map((d) => [destinationKey(d), d]));
    this.actual = { kind: "present", service, destinations: new CopyOnWriteMap(map) };
  }
}

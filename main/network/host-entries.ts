import { constants } from "node:os";
import { entryDevices, entryText, type HostEntry } from "../host-entry.js";
import type { ConnectionEvents, Request } from "../netlink/connection.js";
import type { Message, Verdict } from "../netlink/reader.js";
import type { Log } from "../observe/log.js";
import type { EntryListener, HostEntries, Link } from "../vrrp/ports.js";
import { EEXIST, ENODEV } from "./address-errors.js";
import { explainEntryError } from "./entry-errors.js";
import {
  addRouteRequest,
  decodeRouteEnd,
  deleteRouteRequest,
  type PlacedRoute,
  type RouteEnd,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_ROUTE,
  routeIdentity,
  routeWay,
} from "./route-codec.js";
import {
  addRuleRequest,
  decodeGoneRule,
  deleteRuleRequest,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_RULE,
  ruleIdentity,
} from "./rule-codec.js";

const { ENOENT, ESRCH } = constants.errno;
const ADD = "add";

/** What is used of KernelNetwork: changes of routes go in one line with those of the addresses that they need. */
export interface RouteAsker {
  readonly portId: number | undefined;
  ask(subject: string, request: Request, done: (verdict: Verdict) => void): void;
  link(name: string): Link | undefined;
}

export interface RouteWatch extends Disposable {
  join(group: number): void;
}

/**
 * Routes and policy rules of the host. Notifications have a socket of their own, opened when the first entry is added: a
 * router with a million routes of BGP must not crowd out those of links and addresses, and hosts without entries pay nothing.
 */
export class KernelEntries implements HostEntries, Disposable {
  readonly #network: RouteAsker;
  readonly #connect: (events: ConnectionEvents) => RouteWatch;
  readonly #log: Log;
  readonly #listeners = new Set<EntryListener>();
  /** Of routes that were ever added: what is told of any of a million others needs no second look. */
  readonly #known = new Set<string>();
  #watch: RouteWatch | undefined;
  #closed: boolean = false;

  constructor(network: RouteAsker, connect: (events: ConnectionEvents) => RouteWatch, log: Log) {
    this.#network = network;
    this.#connect = connect;
    this.#log = log;
  }

  identity(entry: HostEntry): string {
    if (entry.kind === "rule") return ruleIdentity(entry.rule);
    return `${this.#routeIdentity(entry.route)} ${routeWay(entry.route)}`;
  }

  add(entry: HostEntry, done: (errno: number) => void): void {
    this.#listen();
    if (entry.kind === "route") this.#known.add(this.#routeIdentity(entry.route));
    const request = this.#request(ADD, entry);
    if (request === undefined) {
      this.#report(ADD, entry, { errno: ENODEV, reason: "" });
      queueMicrotask(() => done(ENODEV));
      return;
    }
    this.#network.ask(this.identity(entry), request, (verdict) => {
      const added = verdict.errno === 0 || verdict.errno === EEXIST;
      if (!added) this.#report(ADD, entry, verdict);
      done(added ? 0 : verdict.errno);
    });
  }

  delete(entry: HostEntry, done: (errno: number) => void): void {
    const request = this.#request("delete", entry);
    if (request === undefined) {
      queueMicrotask(() => done(0)); // it went with its interface
      return;
    }
    this.#network.ask(this.identity(entry), request, (verdict) => {
      const gone = [0, ESRCH, ENOENT, ENODEV].includes(verdict.errno);
      if (!gone) this.#report("delete", entry, verdict);
      done(gone ? 0 : verdict.errno);
    });
  }

  subscribe(events: EntryListener): Disposable {
    const listener = { ...events };
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  /** Undefined when an interface that the entry names is not there. A rule may name one that comes later. */
  #request(action: "add" | "delete", entry: HostEntry): Request | undefined {
    if (entry.kind === "rule") return (action === ADD ? addRuleRequest : deleteRuleRequest)(entry.rule);
    const indexes = new Map(entryDevices(entry).map((name) => [name, this.#network.link(name)?.index]));
    if ([...indexes.values()].includes(undefined)) return undefined;
    const { route } = entry;
    const indexOf = (name: string): number => indexes.get(name) ?? 0;
    const placed: PlacedRoute = { route, table: this.#tableOf(route), indexOf };
    return (action === ADD ? addRouteRequest : deleteRouteRequest)(placed);
  }

  #routeIdentity(route: PlacedRoute["route"]): string {
    return routeIdentity({ route, table: this.#tableOf(route) });
  }

  #tableOf({ vrf, table }: PlacedRoute["route"]): number {
    return vrf === undefined ? table : (this.#network.link(vrf)?.details?.table ?? table);
  }

  #listen(): void {
    if (this.#watch !== undefined || this.#closed) return;
    this.#watch = this.#connect({
      onNotification: (message) => this.#onNotification(message),
      onLost: (why) => this.#onOverrun(why),
    });
    for (const group of [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE])
      this.#watch.join(group);
  }

  /** Changes of our own carry our port. */
  #onNotification(message: Message): void {
    if (message.portId !== 0 && message.portId === this.#network.portId) return;
    const rule = decodeGoneRule(message);
    if (rule !== undefined) this.#tell((entry) => entry.kind === "rule" && ruleIdentity(entry.rule) === rule);
    const end = rule === undefined ? decodeRouteEnd(message) : undefined;
    if (end !== undefined && this.#known.has(end.identity)) this.#tell((entry) => this.#ended(entry, end));
  }

  #ended(entry: HostEntry, { kind, identity, way }: RouteEnd): boolean {
    if (entry.kind !== "route" || this.#routeIdentity(entry.route) !== identity) return false;
    return kind === "deleted" ? way === routeWay(entry.route) : way !== routeWay(entry.route);
  }

  /** What went meanwhile is not known: what is held is added again, which does nothing where it is there. */
  #onOverrun(why: string): void {
    if (this.#closed) return;
    const sentence = `notifications of routes were lost (${why}): adding those of the configuration again`;
    this.#log("warning", "network.routes-lost", sentence);
    for (const { onUnknown } of [...this.#listeners]) onUnknown();
  }

  #tell(isThat: (entry: HostEntry) => boolean): void {
    for (const { onLost } of [...this.#listeners]) onLost(isThat);
  }

  #report(action: "add" | "delete", entry: HostEntry, { errno, reason }: Verdict): void {
    if (this.#closed) return;
    const missing = entryDevices(entry).find((name) => this.#network.link(name) === undefined);
    const sentence = explainEntryError({ action, entry, errno, reason, missing });
    this.#log("error", "network.entry-failed", sentence, { entry: entryText(entry), errno });
  }
}

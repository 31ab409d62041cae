import { commandData, lines, list, notifyScripts, spaced, weighted, weightedBfd } from "./data-text.js";
import { cTime } from "./log-format.js";
import { routeText, ruleText } from "./route-text.js";
import { addressText, type GarpGroupDump, type SyncGroupDump, type VrrpDump } from "./vrrp-dump.js";

/** Sections of keepalived.data about what is on the host, and sync groups, each under its title; without content there is none. */

export function* garpSection({ garpGroups = [] }: VrrpDump): Generator<string> {
  let shared = 0;
  yield* section("Gratuitous ARP delays", garpGroups, (group) => garpData(group, group.config.shared ? ++shared : 0));
}

function garpData({ config, garpNext, gnaNext }: GarpGroupDump, number: number): string[] {
  const kind = (name: string, interval: number, next: number): string[] =>
    interval === 0 ? [] : [` ${name} interval = ${interval / 1000}`, ` ${name} next time ${timeWithoutYear(next)}`];
  return [
    `------< GARP delay group ${number} >------`,
    ...kind("GARP", config.garpInterval, garpNext),
    ...kind("GNA", config.gnaInterval, gnaNext),
    ...(config.garpInterval === 0 && config.gnaInterval === 0 ? [" No configuration"] : []),
    " Interfaces",
    ...config.interfaces.map((name) => `  ${name}`),
  ];
}

/** `1795473898.450880 (Mon Nov 23 22:44:58.450880)` */
function timeWithoutYear(time: number): string {
  const text = (time / 1000).toFixed(6);
  return `${text} (${cTime(time).replace(/ \d+$/, text.slice(text.indexOf(".")))})`;
}

export function* staticSections({ staticEntries, staticSet = [], trackGroups = [] }: VrrpDump): Generator<string> {
  if (staticEntries === undefined) return;
  const { addresses, routes, rules } = staticEntries;
  yield* section("Static Addresses", addresses, (address, i) => [
    `     ${addressText(address, "", staticSet[i] ?? false, address.trackGroup)}`,
  ]);
  yield* section("Static Routes", routes, (route) => [`     ${routeText(route)}`]);
  yield* section("Static Rules", rules, (rule) => [`     ${ruleText(rule)}`]);
  yield* section("Static Track groups", trackGroups, ({ name, members }) => [
    ` Static Track Group = ${name}`,
    ...list("   VRRP member instances :", members),
  ]);
}

export function* groupSection({ groups = [] }: VrrpDump): Generator<string> {
  yield* section("VRRP Sync groups", groups, groupData);
}

/** One piece for each of `all`, built when it is asked for. */
export function* section<T>(
  title: string,
  all: readonly T[],
  text: (one: T, i: number) => readonly string[],
): Generator<string> {
  if (all.length > 0) yield `------< ${title} >------\n`;
  for (const [i, one] of all.entries()) yield lines(text(one, i));
}

function groupData({ config, state, faults, waiting }: SyncGroupDump): string[] {
  return [
    ` VRRP Sync Group = ${config.name}, ${state}`,
    `   Num member fault ${faults}, num member init ${waiting}`,
    ...list("   VRRP member instances :", config.members),
    ...(config.trackingWeight ? ["   sync group tracking weight set"] : []),
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    ...(config.notifyPriorityChanges === undefined
      ? []
      : [`   Notify priority changes = ${config.notifyPriorityChanges ? "yes" : "no"}`]),
    ...list("   Tracked interfaces :", config.trackInterfaces.map(spaced)),
    ...list("   Tracked scripts :", config.trackScripts.map(spaced)),
    ...list("   Tracked files :", config.track.files.map(weighted)),
    ...list("   Tracked process :", config.track.processes.map(weighted)),
    ...list("   Tracked BFDs :", config.track.bfds.map(weightedBfd)),
    ...notifyScripts(config.notify),
    ...commandData("Generic state transition script", config.notify.all),
  ];
}

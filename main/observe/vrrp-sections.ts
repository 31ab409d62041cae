import type { TrackRef } from "../config/model-vrrp.js";
import { commandData, lines, list, notifyScripts, weighted, yes } from "./data-text.js";
import { routeText, ruleText } from "./route-text.js";
import {
  addressText,
  type SyncGroupDump,
  type TrackFileDump,
  type TrackProcessDump,
  type VrrpDump,
  type VrrpInstanceDump,
} from "./vrrp-dump.js";

/** Sections of keepalived.data beside instances and scripts, each under its title; without content there is none. */

export function* staticSections({ staticEntries }: VrrpDump): Generator<string> {
  if (staticEntries === undefined) return;
  const { addresses, routes, rules } = staticEntries;
  yield* section(
    "Static Addresses",
    addresses.map((address) => [`     ${addressText(address, "", false)}`]),
  );
  yield* section(
    "Static Routes",
    routes.map((route) => [`     ${routeText(route)}`]),
  );
  yield* section(
    "Static Rules",
    rules.map((rule) => [`     ${ruleText(rule)}`]),
  );
}

export function* groupSection({ groups = [] }: VrrpDump): Generator<string> {
  yield* section("VRRP Sync groups", groups.map(groupData));
}

export function* trackerSections({ files = [], processes = [], instances }: VrrpDump): Generator<string> {
  yield* section(
    "VRRP Track files",
    files.map((file) => fileData(file, instances)),
  );
  yield* section(
    "VRRP Track processes",
    processes.map((process) => processData(process, instances)),
  );
}

function* section(title: string, parts: readonly (readonly string[])[]): Generator<string> {
  if (parts.length > 0) yield `------< ${title} >------\n`;
  for (const part of parts) yield lines(part);
}

function groupData({ config, state, faults, waiting }: SyncGroupDump): string[] {
  return [
    ` VRRP Sync Group = ${config.name}, ${state}`,
    `   Num member fault ${faults}, num member init ${waiting}`,
    ...list("   VRRP member instances :", config.members),
    ...(config.trackingWeight ? ["   sync group tracking weight set"] : []),
    ...list("   Tracked interfaces :", config.trackInterfaces.map(weighted)),
    ...list("   Tracked scripts :", config.trackScripts.map(weighted)),
    ...list("   Tracked files :", config.track.files.map(weighted)),
    ...list("   Tracked processes :", config.track.processes.map(weighted)),
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    ...notifyScripts(config.notify),
    ...commandData("Generic state transition script", config.notify.all),
  ];
}

/** Instances that track `name`, each with its weight there. */
function tracking(
  instances: readonly VrrpInstanceDump[],
  name: string,
  of: (instance: VrrpInstanceDump) => readonly TrackRef[],
): string[] {
  const found = instances.flatMap((instance) =>
    of(instance)
      .filter((entry) => entry.name === name)
      .map((entry) => weighted({ ...entry, name: instance.config.name })),
  );
  return list("   Tracking instances :", found);
}

function fileData({ config, status }: TrackFileDump, instances: readonly VrrpInstanceDump[]): string[] {
  return [
    ` Track file = ${config.name}`,
    `   File = ${config.path}`,
    `   Status = ${status}`,
    `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
    ...tracking(instances, config.name, (instance) => instance.config.track.files),
  ];
}

function processData(
  { config, running, haveQuorum, delayed }: TrackProcessDump,
  instances: readonly VrrpInstanceDump[],
): string[] {
  const delay = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(6)}s`;
  const timer = (which: "fork" | "terminate"): string => (delayed === which ? "running" : "not running");
  return [
    ` VRRP Track process = ${config.name}`,
    `   Process = ${config.command}`,
    ...(config.parameters.length === 0 ? [] : [`   Parameters = ${config.parameters.join(" ")}`]),
    ...(config.match === "none" ? [] : [`   Param match = ${config.match}`]),
    `   Min processes = ${config.quorum}`,
    ...(config.quorumMax === undefined ? [] : [`   Max processes = ${config.quorumMax}`]),
    `   Current processes = ${running}`,
    `   Have quorum = ${yes(haveQuorum)}`,
    `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
    `   Terminate delay = ${delay(config.terminateDelay)}`,
    `   Fork delay = ${delay(config.forkDelay)}`,
    `   Fork delay timer ${timer("fork")}`,
    `   Terminate delay timer ${timer("terminate")}`,
    `   Full command = ${yes(config.fullCommand)}`,
    ...tracking(instances, config.name, (instance) => instance.config.track.processes),
  ];
}

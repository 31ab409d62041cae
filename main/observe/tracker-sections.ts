import type { VrrpInstanceConfig } from "../config/model.js";
import type { SyncGroupConfig, TrackRef } from "../config/model-vrrp.js";
import { list, seconds, weighted, yes } from "./data-text.js";
import {
  quotedCommand,
  type TrackBfdDump,
  type TrackFileDump,
  type TrackProcessDump,
  type VrrpDump,
  type VrrpScriptDump,
} from "./vrrp-dump.js";
import { section } from "./vrrp-sections.js";

/** Sections of keepalived.data about what is tracked, each with who tracks it. */
export function* trackerSections(dump: VrrpDump): Generator<string> {
  const { scripts, files = [], processes = [], bfds = [] } = dump;
  yield* section("VRRP Scripts", scripts, (script) =>
    scriptData(
      script,
      tracking(dump, script.config.name, ({ trackScripts }) => trackScripts),
    ),
  );
  yield* section("VRRP Track files", files, (file) =>
    fileData(
      file,
      tracking(dump, file.config.name, ({ track }) => track.files),
    ),
  );
  yield* section("VRRP Track processes", processes, (process) =>
    processData(
      process,
      tracking(dump, process.config.name, ({ track }) => track.processes),
    ),
  );
  yield* section("VRRP Track BFDs", bfds, (bfd) =>
    bfdData(
      bfd,
      tracking(dump, bfd.config.name, ({ track }) => track.bfds),
    ),
  );
}

type Tracks = Pick<VrrpInstanceConfig | SyncGroupConfig, "trackScripts" | "track">;

/** Instances that track `name`, each with its weight there; members of groups that do come after those that do it themselves. */
function tracking(
  { instances, groups = [] }: VrrpDump,
  name: string,
  of: (tracks: Tracks) => readonly TrackRef[],
): string[] {
  const found = new Map<string, TrackRef>();
  const note = (instance: string, tracks: Tracks): void => {
    const entry = of(tracks).find((one) => one.name === name);
    if (entry !== undefined && !found.has(instance)) found.set(instance, { ...entry, name: instance });
  };
  for (const { config } of instances) note(config.name, config);
  for (const { config } of groups) for (const member of config.members) note(member, config);
  return list("   Tracking instances :", [...found.values()].map(weighted));
}

function scriptData({ config, status, run, result }: VrrpScriptDump, tracked: readonly string[]): string[] {
  const init = config.initFail ? "INIT/FAILED" : "INIT";
  return [
    ` VRRP Script = ${config.name}`,
    `   Command = ${quotedCommand(config.command)}`,
    `   Interval = ${interval(config.interval)} sec`,
    `   Timeout = ${interval(config.timeout)} sec`,
    `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
    `   Rise = ${config.rise}`,
    `   Fall = ${config.fall}`,
    `   Result = ${result}`,
    "   Insecure = no",
    `   Init state = ${status === "init" ? init : "unknown"}`,
    `   Status = ${result >= config.rise ? "GOOD" : "BAD"}`,
    `   Script uid:gid = ${config.command.user.uid}:${config.command.user.gid}`,
    "   VRRP instances :",
    ...tracked,
    `   State = ${run}`,
  ];
}

/** Keepalived 2.4: with three digits where it is not whole. */
const interval = (milliseconds: number): string =>
  milliseconds % 1000 === 0 ? seconds(milliseconds) : (milliseconds / 1000).toFixed(3);

function fileData({ config, status }: TrackFileDump, tracked: readonly string[]): string[] {
  return [
    ` Track file = ${config.name}`,
    `   File = ${config.path}`,
    `   Status = ${status}`,
    `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
    ...tracked,
  ];
}

function processData({ config, running, haveQuorum, delayed }: TrackProcessDump, tracked: readonly string[]): string[] {
  const delay = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(6)}s`;
  const timer = (which: "fork" | "terminate"): string => (delayed === which ? "running" : "not running");
  return [
    ` VRRP Track process = ${config.name}`,
    `   Process = ${config.command}`,
    ...(config.parameters.length === 0 ? [] : [`   Parameters = ${config.parameters.join(" ")}`]),
    ...(config.match === "none" ? [] : [`   Param match${config.match === "exact" ? "" : ` = ${config.match}`}`]),
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
    ...tracked,
  ];
}

function bfdData({ config, up }: TrackBfdDump, tracked: readonly string[]): string[] {
  return [
    ` VRRP Track BFD = ${config.name}`,
    `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
    `   Bfd is ${up ? "up" : "down"}`,
    "   Tracking VRRP instances :",
    ...tracked,
  ];
}

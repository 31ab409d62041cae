import type { ProcessConfig } from "./model-global.js";

/** What a daemon is for as long as it lives: where it works, and under which names its files are. */
export type FixedSettings = Pick<ProcessConfig, "netNamespace" | "ipvsNamespace" | "instanceName">;

/** keepalived's sentences about what a reload cannot change; empty: nothing of it changes. */
export function changedFixedSettings(running: FixedSettings, wanted: FixedSettings): readonly string[] {
  const changed: string[] = [];
  if (running.netNamespace !== wanted.netNamespace) changed.push("network namespace");
  if (textOf(running.ipvsNamespace) !== textOf(wanted.ipvsNamespace)) changed.push("IPVS network namespace");
  if (running.instanceName !== wanted.instanceName) changed.push("instance name");
  return changed.map((what) => `Cannot change ${what} at a reload - please restart the daemon`);
}

const textOf = (place: FixedSettings["ipvsNamespace"]): string =>
  typeof place === "string" ? place : `named ${place.name}`;

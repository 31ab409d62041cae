import type { ScriptCommand, VrrpNotifyConfig } from "../config/model.js";
import { cTime } from "./log-format.js";
import { quotedCommand } from "./vrrp-dump.js";

/** How keepalived's .data files put things. */

export const lines = (all: readonly string[]): string => `${all.join("\n")}\n`;
export const yes = (value: boolean): string => (value ? "true" : "false");
export const enabled = (value: boolean): string => (value ? "enabled" : "disabled");
export const seconds = (milliseconds: number): string => String(milliseconds / 1000);
/** Exporters take these for integers. */
export const wholeSeconds = (milliseconds: number): string => String(Math.floor(milliseconds / 1000));

/** A title with its items; nothing when there are none. */
export const list = (title: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [title, ...items.map((item) => `     ${item}`)];

/** `1795368758.795177 (Sun Nov 22 17:32:38.795177 2026)`; milliseconds since 1970. */
export function cTimeFraction(time: number): string {
  const text = (time / 1000).toFixed(6);
  return `${text} (${cTime(time).replace(/(?= \d+$)/, text.slice(text.indexOf(".")))})`;
}

interface Weighted {
  readonly name: string;
  readonly weight: number;
  readonly reverse: boolean;
}

const weightedAfter = (mark: string, { name, weight, reverse }: Weighted): string =>
  `${name}${mark} weight ${weight}${reverse ? " reverse" : ""}`;

export const weighted = (entry: Weighted): string => weightedAfter(",", entry);

/** Interfaces and scripts that are tracked have no comma, and BFD sessions a colon. */
export const spaced = (entry: Weighted): string => weightedAfter("", entry);
export const weightedBfd = (entry: Weighted): string => weightedAfter(":", entry);

export function commandData(title: string, command: ScriptCommand | undefined): string[] {
  if (command === undefined) return [];
  return [`   ${title} = ${quotedCommand(command)}, uid:gid ${command.user.uid}:${command.user.gid}`];
}

/** Of states; the generic one comes later. */
export const notifyScripts = (notify: VrrpNotifyConfig): string[] => [
  ...commandData("Backup state transition script", notify.backup),
  ...commandData("Master state transition script", notify.master),
  ...commandData("Fault state transition script", notify.fault),
  ...commandData("Stop state transition script", notify.stop),
];

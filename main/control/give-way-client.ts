import { type Milliseconds, ms } from "../units.js";
import type { GiveWayAnswer } from "./give-way.js";
import { ask } from "./status-client.js";

type Promised = Extract<GiveWayAnswer, { readonly giveWay: unknown }>["giveWay"];

/** Asks the daemon at `path` to give way to a keepalived that is started next. @throws DaemonError E_SOCKET with its reason when it does not */
export function askGiveWay(path: string, timeout: Milliseconds = ms(5000)): Promise<Promised> {
  return ask(path, { get: "give-way" }, (answer) => ("giveWay" in answer ? read(answer.giveWay) : undefined), timeout);
}

export function giveWaySentence({ pid, patienceMs, besideMs }: Promised): string {
  const [patience, beside] = [patienceMs, besideMs].map((time) => Math.round(time / 1000));
  return `holdfast (pid ${pid}) has given its pid files free: start keepalived within ${patience} s. Both run for ${beside} s then, and holdfast leaves without a word\n`;
}

function read(value: unknown): Promised | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("pid" in value && "patienceMs" in value && "besideMs" in value)) return undefined;
  const { pid, patienceMs, besideMs } = value;
  const isGood = typeof pid === "number" && typeof patienceMs === "number" && typeof besideMs === "number";
  return isGood ? { pid, patienceMs, besideMs } : undefined;
}

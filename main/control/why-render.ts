import { guardLines } from "./guard-view.js";
import type { PriorityPart, WhyDocument } from "./why.js";
import { nameOf, seconds } from "./why-master.js";

/** Plain text for `holdfast why`: one block per question, the answer first. */
export function renderWhy(why: WhyDocument): string {
  const blocks: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ["priority", priorityLines(why)],
    ["faults", why.faults],
    ["waits for", why.waitingFor],
    ["checks", why.checks.map(checkLine)],
    ["group", groupLines(why)],
    ["guard", guardLines(why.guard)],
    ["adverts", advertLines(why)],
    ["timers", timerLines(why)],
    ["addresses", why.addresses.map(({ address, dev, set }) => `${address} dev ${dev}${set ? "" : ", not set"}`)],
    ["master when", why.wouldMakeItMaster],
  ];
  const width = Math.max(...blocks.map(([title]) => title.length)) + 2;
  const lines = blocks.flatMap(([title, of]) => of.map((line, i) => `${(i === 0 ? title : "").padEnd(width)}${line}`));
  return `${[`${why.instance} is ${why.state} for ${seconds(why.forMs)}: ${why.because}`, ...lines].join("\n")}\n`;
}

function priorityLines({ priority: { base, effective, parts } }: WhyDocument): readonly string[] {
  const clamped = base + parts.reduce((sum, { delta }) => sum + delta, 0) !== effective;
  const note = !clamped ? "" : base === 255 ? " (the owner's stays)" : " (kept within 1 to 254)";
  const rows = parts.map((part) => {
    const what = part.value === undefined || part.state === "init" ? `is ${stateWord(part)}` : `holds ${part.value}`;
    const best =
      part.bestDelta === undefined || part.bestDelta === part.delta ? "" : `, at best ${signed(part.bestDelta)}`;
    const of = part.group === undefined ? "" : `, of sync group ${part.group}`;
    return `  ${signed(part.delta)}  ${nameOf(part)} ${what}${best}${of}`;
  });
  return [`${effective}${note} = ${base} configured${parts.length === 0 ? "" : ", and"}`, ...rows];
}

const stateWord = ({ tracker, state }: PriorityPart): string => {
  if (state !== "init") return state;
  return tracker === "file" ? "not read yet" : "not known yet";
};

function checkLine({ script, state, lastExit, running }: WhyDocument["checks"][number]): string {
  const exit = lastExit === undefined ? "never ended" : `last exit ${lastExit}`;
  return `script ${script} is ${state}, ${exit}${running ? ", running now" : ""}`;
}

function groupLines({ group }: WhyDocument): readonly string[] {
  if (group === undefined) return [];
  const others = group.others.map(({ instance, state, wantsMaster, faults }) => {
    const wish = state === "BACKUP" && wantsMaster ? ", ready to be MASTER" : "";
    return `  ${instance} is ${state}${wish}${faults.length === 0 ? "" : `: ${faults.join(", ")}`}`;
  });
  return [`${group.name} is ${group.state}`, ...others];
}

function advertLines({ adverts: { sentAgoMs, heard, rejected } }: WhyDocument): readonly string[] {
  const lines: string[] = [];
  if (sentAgoMs !== undefined) lines.push(`sent one ${seconds(sentAgoMs)} ago`);
  if (heard === undefined) lines.push("heard none");
  else {
    const { source, priority, intervalMs, agoMs } = heard;
    lines.push(`heard ${source} ${seconds(agoMs)} ago: priority ${priority}, every ${seconds(intervalMs)}`);
  }
  if (rejected !== undefined)
    lines.push(`rejected one of ${rejected.source} ${seconds(rejected.agoMs)} ago: ${rejected.reason}`);
  return lines;
}

function timerLines({ timers: { nextAdvertMs, masterDownMs, preemptDelayMs } }: WhyDocument): readonly string[] {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ["next advert", nextAdvertMs],
    ["master-down", masterDownMs],
    ["preempt_delay", preemptDelayMs],
  ];
  return rows.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} in ${seconds(ms)}`]));
}

const signed = (n: number): string => (n < 0 ? String(n) : `+${n}`);

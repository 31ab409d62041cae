import { play } from "./cluster.js";
import { faults } from "./faults.js";
import { generate } from "./generate.js";
import type { Schedule } from "./schedule.js";
import { shrink } from "./shrink.js";
import { timeline } from "./timeline.js";

/** What is printed of a schedule that broke a rule: the smallest one that breaks the same rule, as data and as a timeline. */
export function story(seed: number, faultName?: string): string {
  const fault = faults.find((f) => f.name === faultName);
  const options = fault === undefined ? {} : { fault };
  const whole = generate(seed);
  const rule = play(whole, options).violation?.rule;
  const breaks = (candidate: Schedule): boolean => play(candidate, options).violation?.rule === rule;
  const small = rule === undefined ? whole : shrink(whole, breaks);
  const told = timeline(small, play(small, { ...options, record: true }));
  const size = ({ routers, incidents }: Schedule): string => `${routers.length} routers, ${incidents.length} incidents`;
  const shrunk = rule === undefined ? "" : `shrunk from ${size(whole)} to ${size(small)}\n`;
  return `${told}\n${shrunk}schedule: ${JSON.stringify(small)}`;
}

import type { Milliseconds } from "../../units.js";

/** As keepalived.conf writes it: seconds, with up to six decimals. */
export const inSeconds = (time: Milliseconds): string => {
  const microseconds = Math.round(time * 1000);
  const fraction = String(microseconds % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${Math.floor(microseconds / 1_000_000)}${fraction === "" ? "" : `.${fraction}`}`;
};

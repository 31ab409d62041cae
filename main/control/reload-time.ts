/** What the first line of reload_time_file asks for. Times are milliseconds since 1970, as `Date.now()` has them. */
export type ReloadTime =
  /** `daily`: only a time of the day was given. */
  | { readonly kind: "at"; readonly time: number; readonly daily: boolean }
  | { readonly kind: "past"; readonly time: number }
  | { readonly kind: "invalid" }
  /** Nothing is written there. */
  | { readonly kind: "none" };

/** keepalived.conf(5) reload_time_file: `HH:MM:SS` or `[YY]YY-MM-DD HH:MM:SS`, with a Z at the end in UTC, else local time. */
const form = /^(?:(\d{2}|\d{4})-(\d{2})-(\d{2}) )?(\d{2}):(\d{2}):(\d{2})(Z?)$/;

/** A time of the day that is over, or is now, is that of tomorrow. */
export function reloadTimeOf(text: string, now: number): ReloadTime {
  const line = (text.split("\n", 1)[0] ?? "").trim();
  if (line === "") return { kind: "none" };
  const match = form.exec(line);
  if (match === null) return { kind: "invalid" };
  const [, year, month, day, ...clock] = match;
  const [hour = 0, minute = 0, second = 0] = clock.slice(0, 3).map(Number);
  const moment = clock[3] === "Z" ? utc : local;
  if (hour > 23 || minute > 59 || second > 59) return { kind: "invalid" };
  if (year === undefined) {
    const [y, m, d] = clock[3] === "Z" ? utcDay(now) : localDay(now);
    const today = moment(y, m, d, hour, minute, second);
    return { kind: "at", time: today > now ? today : moment(y, m, d + 1, hour, minute, second), daily: true };
  }
  const wanted = [year.length === 2 ? 2000 + Number(year) : Number(year), Number(month) - 1, Number(day)] as const;
  if (!isDay(...wanted)) return { kind: "invalid" };
  const time = moment(...wanted, hour, minute, second);
  return time > now ? { kind: "at", time, daily: false } : { kind: "past", time };
}

type Moment = (year: number, month: number, day: number, hour: number, minute: number, second: number) => number;
const utc: Moment = (...parts) => Date.UTC(...parts);
const local: Moment = (...parts) => new Date(...parts).getTime();

type Day = readonly [year: number, month: number, day: number];

function utcDay(time: number): Day {
  const date = new Date(time);
  return [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
}

function localDay(time: number): Day {
  const date = new Date(time);
  return [date.getFullYear(), date.getMonth(), date.getDate()];
}

/** 31 February would be a day of March. */
function isDay(...day: Day): boolean {
  const read = utcDay(Date.UTC(...day));
  return read.every((part, i) => part === day[i]);
}

/** Local time, as keepalived writes it in its log. */
export function reloadTimeText(time: number): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

import { type LogRecord, severities } from "./log-record.js";

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

const two = (n: number): string => String(n).padStart(2, "0");
const clock = (d: Date): string => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
/** Like strftime's `%b %e`: the day of the month is padded with a blank. */
const monthDay = (d: Date): string => `${months[d.getMonth()]} ${String(d.getDate()).padStart(2)}`;

/** strftime's `%c` in the C locale, local time: `Sun Nov 22 17:32:35 2026`. */
export function cTime(time: number): string {
  const d = new Date(time);
  return `${days[d.getDay()]} ${monthDay(d)} ${clock(d)} ${d.getFullYear()}`;
}

/** keepalived -l. */
export const consoleLine = (r: LogRecord): string => `${cTime(r.time)}: ${r.sentence}\n`;

/** keepalived -g: nanoseconds before the year. Ours come from a millisecond clock, so the last six are zero. */
export function fileLine(r: LogRecord): string {
  const d = new Date(r.time);
  const fraction = String(d.getMilliseconds()).padStart(3, "0");
  return `${days[d.getDay()]} ${monthDay(d)} ${clock(d)}.${fraction}000000 ${d.getFullYear()}: ${r.sentence}\n`;
}

/**
 * RFC 3164 §4.1 as sent to /dev/log: no host name, syslogd knows it. journald takes ident and pid from the tag.
 * `facility` is the number that syslog(3) shifts left by three, for instance 3 for daemon, 16 for local0.
 */
export function syslogLine(r: LogRecord, facility: number, pid: number): string {
  const d = new Date(r.time);
  return `<${facility * 8 + severities[r.level]}>${monthDay(d)} ${clock(d)} ${r.ident}[${pid}]: ${r.sentence}`;
}
